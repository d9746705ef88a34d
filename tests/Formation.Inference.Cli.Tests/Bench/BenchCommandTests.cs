using System.Text.Json;
using Formation.Inference.Cli.Bench;
using Formation.Inference.Cli.Tests.Fakes;
using Formation.Inference.Testing.Files;
using Formation.Inference.Testing.Models;

namespace Formation.Inference.Cli.Tests.Bench;

public sealed class BenchCommandTests : IDisposable
{
    private readonly CommandRun _user = new() { Time = new SteppingTime(TimeSpan.FromSeconds(1)) };
    private readonly TemporaryDirectory _models = new();

    public void Dispose()
    {
        _models.Dispose();
        _user.Dispose();
    }

    [Fact]
    public async Task Json_gives_the_speeds_of_one_model_with_its_machine()
    {
        Assert.Equal(ExitCode.Done, await BenchAsync("--model", Build("one"), "--batch", "1,3", "--json"));

        var report = JsonDocument.Parse(_user.Out).RootElement;
        Assert.Equal("tiny", report.GetProperty("model").GetString());
        Assert.True(report.GetProperty("parameters").GetInt64() > 0);
        Assert.Equal(2, report.GetProperty("threads").GetInt32());
        Assert.NotEqual("", report.GetProperty("kernels").GetString());
        Assert.True(report.GetProperty("machine").GetProperty("cores").GetInt32() > 0);
        Assert.Equal("F32", report.GetProperty("weights").GetProperty("formats")[0].GetProperty("format").GetString());
        Assert.True(report.GetProperty("memory").GetProperty("kvBytes").GetInt64() > 0);
        var results = report.GetProperty("results").EnumerateArray().ToArray();
        Assert.Equal(["pp40", "tg4", "tg4x3"], results.Select(result => result.GetProperty("test").GetString()));
        // The clock moves on by a second for each look: so many tokens in one.
        Assert.Equal([40, 4, 12], results.Select(result => result.GetProperty("tokensPerSecond").GetProperty("median").GetDouble()));
        Assert.All(results[1..], result => Assert.True(result.GetProperty("bandwidth").GetProperty("share").GetDouble() > 0));
        Assert.False(report.TryGetProperty("peer", out _));
    }

    [Fact]
    public async Task A_folder_and_a_file_give_a_report_for_each_model()
    {
        var folder = Directory.CreateDirectory(_models.File("folder")).FullName;
        Build("folder/b");
        Build("folder/a");

        Assert.Equal(ExitCode.Done, await BenchAsync("--model", folder, "--model", Build("c"), "--json"));

        Assert.Equal(3, JsonDocument.Parse(_user.Out).RootElement.GetArrayLength());
        Assert.Equal(["a.gguf", "b.gguf", "c.gguf"], BenchCommand.FilesOf([folder, _models.File("c.gguf")]).Select(Path.GetFileName));
    }

    [Fact]
    public async Task People_see_a_table()
    {
        Assert.Equal(ExitCode.Done, await BenchAsync("--model", Build("one")));

        Assert.Contains("pp40", _user.Out);
        Assert.Contains("F32", _user.Out);
    }

    [Theory]
    [InlineData("--model", "/no/such/file.gguf", ExitCode.NotFound)]
    [InlineData("--batch", "1,x", ExitCode.WrongUsage)]
    [InlineData("--batch", "0", ExitCode.WrongUsage)]
    [InlineData("--prompt", "-1", ExitCode.WrongUsage)]
    public async Task What_can_t_be_measured_is_refused(string option, string value, int code) =>
        Assert.Equal(code, await _user.RunAsync("bench", option, value));

    [Fact]
    public async Task A_plan_of_nothing_is_refused() =>
        Assert.Equal(ExitCode.WrongUsage, await _user.RunAsync("bench", "--prompt", "0", "--generate", "0"));

    [Fact]
    public async Task A_prompt_beyond_the_context_is_refused()
    {
        Assert.Equal(ExitCode.WrongUsage, await _user.RunAsync("bench", "--model", Build("one"), "--prompt", "513", "--threads", "1"));
        Assert.Contains("512", _user.Error);
    }

    [Fact]
    public async Task A_folder_without_a_model_is_refused() =>
        Assert.Equal(ExitCode.NotFound, await _user.RunAsync("bench", "--model", Directory.CreateDirectory(_models.File("empty")).FullName));

    [Fact]
    public async Task A_running_server_and_model_files_are_not_measured_at_once() =>
        Assert.Equal(ExitCode.WrongUsage, await _user.RunAsync("bench", "--http", "http://127.0.0.1:1", "--peers"));

    private Task<int> BenchAsync(params string[] arguments) =>
        _user.RunAsync(["bench", "--threads", "2", "--prompt", "40", "--generate", "4", "--repeat", "1", .. arguments]);

    private string Build(string name)
    {
        var path = _models.File(name + ".gguf");
        TinyModel.Build(path, new TinyModelOptions());
        return path;
    }
}
