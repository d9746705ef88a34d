using System.Text.Json.Nodes;
using Formation.Inference.Cli.Tests.Fakes;
using Formation.Inference.Kernels.Formats;
using Formation.Inference.Testing.Models;

namespace Formation.Inference.Cli.Tests.Models;

public sealed class InspectCommandTests : IDisposable
{
    private readonly CommandRun _user = new();

    public void Dispose() => _user.Dispose();

    [Fact]
    public async Task A_model_is_shown_with_its_size_formats_memory_and_tensors()
    {
        var path = Build(TinyModelOptions.Llama with { MatrixType = TensorType.Q4_K, Name = "[bold]name" });

        Assert.Equal(ExitCode.Done, await _user.RunAsync("models", "inspect", path));

        Assert.Matches(@"name +\[bold\]name", _user.Out);
        Assert.Matches(@"architecture +llama", _user.Out);
        Assert.Matches(@"parameters +1\.4 M \(1,", _user.Out);
        Assert.Matches(@"context +512", _user.Out);
        Assert.Matches(@"Q4_K +16 ", _user.Out);
        Assert.Matches(@"KV cache of 512 tokens, f16 +512\.0 KiB", _user.Out);
        Assert.Matches(@"blk\.\*\.ffn_down\.weight +2 +Q4_K +512 x 256", _user.Out);
        Assert.Matches(@"output_norm\.weight +1 +F32 +256", _user.Out);
        Assert.DoesNotContain("does not run", _user.Out);
        Assert.Equal("", _user.Error);
    }

    [Fact]
    public async Task Json_is_one_document_with_every_tensor()
    {
        var path = Build(TinyModelOptions.Qwen2);

        Assert.Equal(ExitCode.Done, await _user.RunAsync("models", "inspect", path, "--json"));

        var report = JsonNode.Parse(_user.Out)!;
        Assert.True(report["supported"]!.GetValue<bool>());
        Assert.Equal("qwen2", report["model"]!["architecture"]!.GetValue<string>());
        Assert.Equal(512, report["model"]!["contextLength"]!.GetValue<int>());
        Assert.Equal("F32", report["model"]!["types"]![0]!["type"]!.GetValue<string>());
        Assert.Equal(3 + (2 * 12), report["tensorList"]!.AsArray().Count);
        Assert.Equal(512 * 1024, report["model"]!["memory"]!["kvCacheF16"]!.GetValue<long>());
    }

    [Fact]
    public async Task A_vocabulary_alone_is_shown()
    {
        Assert.Equal(ExitCode.Done, await _user.RunAsync("models", "inspect", Build(TinyModelOptions.Llama with { VocabularyOnly = true })));

        Assert.Matches(@"vocabulary +512", _user.Out);
        Assert.Contains("has no weights", _user.Out);
    }

    [Fact]
    public async Task A_model_that_this_engine_does_not_run_is_shown_with_the_reason()
    {
        var writer = TinyModel.Writer(TinyModelOptions.Llama);
        writer.AddTensor("extra.weight", TensorType.NVFP4, [64], new byte[36]);
        var stream = new MemoryStream();
        writer.Write(stream);

        Assert.Equal(ExitCode.Done, await _user.RunAsync("models", "inspect", _user.WriteFile("m.gguf", stream.ToArray())));
        Assert.Contains("extra.weight is stored as NVFP4", _user.Out);
    }

    [Fact]
    public async Task A_missing_file_and_a_damaged_one_end_with_their_codes_and_one_line()
    {
        Assert.Equal(ExitCode.NotFound, await _user.RunAsync("models", "inspect", "/no/such/file.gguf"));
        Assert.Contains("/no/such/file.gguf", _user.Error);

        Assert.Equal(ExitCode.Failed, await _user.RunAsync("models", "inspect", _user.WriteFile("bad.gguf", "GGUF\u0003\0\0\0"u8.ToArray())));
        Assert.Contains("8 bytes needed", _user.Error);
        Assert.Single(_user.Error.TrimEnd().Split('\n'));
        Assert.Equal("", _user.Out);
    }

    private string Build(TinyModelOptions options)
    {
        var stream = new MemoryStream();
        TinyModel.Build(stream, options);
        return _user.WriteFile("model.gguf", stream.ToArray());
    }
}
