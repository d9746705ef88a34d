using System.Security.Cryptography;
using Formation.Inference.Engine.Devices;
using Formation.Inference.Engine.Gguf;
using Formation.Inference.Engine.Models;
using Formation.Inference.Engine.Stages;
using Formation.Inference.Kernels.Attention;
using Formation.Inference.Kernels.Formats;
using Formation.Inference.Testing.Files;
using Formation.Inference.Testing.Models;

namespace Formation.Inference.Engine.Tests.Models;

/// <summary>
/// Our logits against llama.cpp's; where the data come from and why the tolerances are what they are: Golden/logits/README.md.
/// </summary>
public sealed class GoldenLogitsTests
{
    public static TheoryData<string> Names => new(GoldenModels.All.Keys);

    [Theory]
    [MemberData(nameof(Names))]
    public async Task Logits_and_greedy_continuation_are_those_of_llama_cpp(string name)
    {
        var golden = GoldenLogits.Read(name);
        using var directory = new TemporaryDirectory();
        var path = directory.File("model.gguf");
        TinyModel.Build(path, GoldenModels.All[name]);
        Assert.Equal(golden.ModelSha256, Convert.ToHexStringLower(SHA256.HashData(await File.ReadAllBytesAsync(path))));

        await AssertLogitsAsync(path, KvFormat.F32, golden, ToleranceOf(GoldenModels.All[name].MatrixType));
    }

    [Theory]
    [InlineData(KvFormat.F16, 0.005)]
    [InlineData(KvFormat.Q8_0, 0.15)]
    public async Task Cache_formats_stay_close_to_float32(KvFormat format, double tolerance)
    {
        using var directory = new TemporaryDirectory();
        foreach (var name in (string[])["llama", "llama-multi-head", "qwen2-rope-yarn", "qwen3"])
        {
            var path = directory.File($"{name}.gguf");
            TinyModel.Build(path, GoldenModels.All[name]);
            await AssertLogitsAsync(path, format, GoldenLogits.Read(name), tolerance, continuationTo: 2 * tolerance);
        }
    }

    private static double ToleranceOf(TensorType type) => type switch
    {
        TensorType.F32 => 2e-5,
        TensorType.F16 => 0.006,
        TensorType.BF16 => 0.06,
        _ => 0.2,
    };

    /// <param name="tolerance">Root mean square of the logits' differences; the logits' own is about 3.</param>
    /// <param name="continuationTo">Margin below which the most probable token may differ.</param>
    private static async Task AssertLogitsAsync(
        string path, KvFormat format, GoldenLogits golden, double tolerance, double continuationTo = 0)
    {
        using var file = GgufFile.Open(path);
        using var device = new CpuDevice(threads: 2);
        using var model = TransformerModel.Load(file, device);
        var stage = model.CreateStage(model.AllLayers, model.KvShape(model.AllLayers, blockCount: 4, format: format), maxRows: 64);
        using var pipeline = new Pipeline(model.CreateHead(maxRows: 64), [stage], maxRows: 64);

        var prompt = await ForwardAsync(pipeline, golden.Prompt, 0, SliceKind.Prefill);
        var last = prompt[^1];
        for (var i = 0; i < golden.Continuation.Length; i++)
        {
            if (golden.Margins[i] > continuationTo)
                Assert.Equal(golden.Continuation[i], Array.IndexOf(last, last.Max()));
            last = (await ForwardAsync(pipeline, [golden.Continuation[i]], golden.Prompt.Length + i, SliceKind.Decode))[0];
        }

        Assert.InRange(Difference(golden.Logits.First, prompt[0]), 0, tolerance);
        Assert.InRange(Difference(golden.Logits.AfterPrompt, prompt[^1]), 0, tolerance);
        Assert.InRange(Difference(golden.Logits.Last, last), 0, tolerance);
    }

    private static double Difference(float[] expected, float[] actual)
    {
        Assert.Equal(expected.Length, actual.Length);
        return Math.Sqrt(expected.Zip(actual, (e, a) => ((double)e - a) * ((double)e - a)).Average());
    }

    private static async Task<float[][]> ForwardAsync(Pipeline pipeline, int[] tokens, int position, SliceKind kind)
    {
        var batch = new Batch(position, [new BatchSlice(1, kind, 0, tokens.Length, position, new[] { 2, 0, 3, 1 })]);
        var logits = new float[tokens.Length * pipeline.VocabularySize];
        await pipeline.ForwardAsync(batch, tokens, Enumerable.Range(0, tokens.Length).ToArray(), logits, CancellationToken.None);
        return [.. logits.Chunk(pipeline.VocabularySize)];
    }
}
