using Formation.Inference.Cli.Bench;
using Formation.Inference.Engine.Gguf;
using Formation.Inference.Kernels.Dispatch;
using Formation.Inference.Kernels.Formats;
using Formation.Inference.Testing.Files;
using Formation.Inference.Testing.Models;

namespace Formation.Inference.Cli.Tests.Bench;

public sealed class WeightTrafficTests : IDisposable
{
    // Two layers 256 wide: queries, keys, values, output and three feed-forward matrices each; and the norms, which are float32.
    private const long LayerValues = 2 * (256 * (256 + 128 + 128 + 256) + 3 * 256 * 512);
    private const long NormBytes = 5 * 256 * 4;
    private const long HeadValues = 512 * 256;

    private readonly TemporaryDirectory _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void An_embedding_beside_an_output_head_is_not_read() =>
        Assert.Equal(2 * (LayerValues + HeadValues) + NormBytes, Of(new() { MatrixType = TensorType.F16 }).BytesPerStep);

    [Fact]
    public void An_embedding_that_is_the_output_head_is_read() =>
        Assert.Equal(2 * (LayerValues + HeadValues) + NormBytes, Of(new() { MatrixType = TensorType.F16, TiedEmbeddings = true }).BytesPerStep);

    [Fact]
    public void The_formats_of_the_matrices_are_named_with_the_most_bytes_first() =>
        Assert.Equal(
            [new WeightFormat("Q8_0", LayerValues / 32 * 34, LinearKernels.Of(TensorType.Q8_0).Description),
                new WeightFormat("F16", HeadValues * 2, LinearKernels.Of(TensorType.F16).Description)],
            Of(new() { MatrixType = TensorType.Q8_0, OutputType = TensorType.F16 }).Formats);

    [Fact]
    public void A_step_for_many_sequences_reads_the_weights_once()
    {
        var traffic = new WeightTraffic([], 1_000_000_000);

        Assert.Equal(0.5, traffic.ShareOf(20e9, 10, sequences: 1), 9);
        Assert.Equal(0.5, traffic.ShareOf(20e9, 80, sequences: 8), 9);
    }

    private WeightTraffic Of(TinyModelOptions options)
    {
        var path = _folder.File("model.gguf");
        TinyModel.Build(path, options);
        using var file = GgufFile.Open(path);
        return WeightTraffic.Of(file);
    }
}
