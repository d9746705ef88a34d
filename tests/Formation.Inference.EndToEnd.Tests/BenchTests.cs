using System.Runtime.InteropServices;
using System.Text.Json;
using Formation.Inference.Kernels.Formats;
using Formation.Inference.Testing.Files;
using Formation.Inference.Testing.Models;

namespace Formation.Inference.EndToEnd.Tests;

public sealed class BenchTests : IDisposable
{
    private readonly TemporaryDirectory _home = new();

    public void Dispose() => _home.Dispose();

    [Fact]
    public async Task The_peer_and_a_server_are_measured_beside_the_engine_on_the_same_file()
    {
        Assert.SkipUnless(RuntimeInformation.ProcessArchitecture == Architecture.X64, "benchmarks/peers installs the peer for x64");
        var model = _home.File("tiny.gguf");
        TinyModel.Build(model, new TinyModelOptions { MatrixType = TensorType.Q8_0, SpeaksEveryToken = true });

        var run = await FormProgram.RunAsync(
            _home.Path, "", "bench", "--model", model, "--peers", "--serve", "--prompt", "100", "--generate", "128", "--batch", "1,2", "--repeat", "1",
            "--threads", "1", "--json");

        Assert.True(run.ExitCode == 0, run.Error);
        var report = JsonDocument.Parse(run.Out).RootElement;
        Assert.StartsWith("llama.cpp", report.GetProperty("peer").GetProperty("engine").GetString());
        Assert.NotEqual("unknown", report.GetProperty("peer").GetProperty("kernels").GetString());
        var results = report.GetProperty("results").EnumerateArray().ToArray();
        Assert.Equal(["pp100", "tg128", "tg128x2"], results.Select(result => result.GetProperty("test").GetString()));
        Assert.All(results, result => Assert.True(result.GetProperty("peer").GetProperty("ratio").GetDouble() > 0));
        Assert.All(results[1..], result => Assert.True(result.GetProperty("http").GetProperty("ratio").GetDouble() > 0));
        var waits = report.GetProperty("firstTokens").EnumerateArray().ToArray();
        Assert.All(waits, wait => Assert.InRange(wait.GetProperty("promptTokens").GetInt32(), 90, 110));
        Assert.InRange(waits[0].GetProperty("cachedTokens").GetInt32(), 0, 16);
        Assert.InRange(waits[1].GetProperty("cachedTokens").GetInt32(), 64, 110);
    }
}
