using Formation.Inference.Kernels.Dispatch;
using Formation.Inference.Kernels.Formats;

namespace Formation.Inference.Kernels.Tests.Formats;

public sealed class GoldenFormatsTests
{
    public static TheoryData<TensorType> Types() => [.. RandomRows.ComputedTypes.Where(type => type != TensorType.F32)];

    [Fact]
    public void The_table_of_sizes_is_that_of_ggml_with_no_type_missing()
    {
        var expected = GoldenFormats.Sizes.Select(size => ((TensorType)size.Number, size.Block, size.Bytes));
        var actual = Enum.GetValues<TensorType>().Order().Select(TensorTypeInfo.Of)
            .Select(info => (info.Type, info.BlockSize, info.BlockBytes));
        Assert.Equal(expected, actual);
    }

    [Theory]
    [MemberData(nameof(Types))]
    public void Rows_that_ggml_stored_are_read_as_ggml_reads_them(TensorType type)
    {
        var row = GoldenFormats.Rows[type];
        AssertSameValues(type, row.Quantized, row.QuantizedValues);
    }

    [Theory]
    [MemberData(nameof(Types))]
    public void Any_bytes_are_read_as_ggml_reads_them(TensorType type)
    {
        var row = GoldenFormats.Rows[type];
        AssertSameValues(type, row.AnyBytes, row.AnyValues);
    }

    [Theory]
    [InlineData(TensorType.F16)]
    [InlineData(TensorType.BF16)]
    [InlineData(TensorType.Q4_0)]
    [InlineData(TensorType.Q4_1)]
    [InlineData(TensorType.Q5_0)]
    [InlineData(TensorType.Q5_1)]
    [InlineData(TensorType.Q8_0)]
    [InlineData(TensorType.MXFP4)]
    public void Weights_are_stored_as_the_bytes_that_ggml_stores(TensorType type) =>
        Assert.Equal(GoldenFormats.Rows[type].Quantized, RandomRows.Quantized(type, GoldenFormats.Weights));

    private static void AssertSameValues(TensorType type, byte[] row, float[] expected)
    {
        foreach (var path in KernelPaths.Available)
        {
            var actual = new float[expected.Length];
            Dequantizer.Row(type, row, actual, path);
            Assert.True(expected.AsSpan().SequenceEqual(actual), $"{KernelPaths.Name(path)} reads {type} differently");
        }
    }
}
