using Formation.Inference.Kernels.Formats;

namespace Formation.Inference.Kernels.Tests.Formats;

public sealed class TensorTypeInfoTests
{
    [Fact]
    public void The_sixteen_formats_that_are_computed_are_these()
    {
        TensorType[] expected =
        [
            TensorType.F32, TensorType.F16, TensorType.Q4_0, TensorType.Q4_1, TensorType.Q5_0, TensorType.Q5_1, TensorType.Q8_0,
            TensorType.Q2_K, TensorType.Q3_K, TensorType.Q4_K, TensorType.Q5_K, TensorType.Q6_K, TensorType.IQ4_NL,
            TensorType.IQ4_XS, TensorType.BF16, TensorType.MXFP4,
        ];
        Assert.Equal(expected, RandomRows.ComputedTypes);
    }

    [Theory]
    [InlineData(4)]
    [InlineData(5)]
    [InlineData(31)]
    [InlineData(43)]
    [InlineData(uint.MaxValue)]
    public void A_number_that_the_format_does_not_define_is_not_found(uint number)
    {
        Assert.Null(TensorTypeInfo.Find((TensorType)number));
        Assert.Throws<ArgumentOutOfRangeException>(() => TensorTypeInfo.Of((TensorType)number));
    }

    [Fact]
    public void The_bytes_of_a_row_are_checked()
    {
        var info = TensorTypeInfo.Of(TensorType.Q6_K);
        Assert.Equal(0, info.RowBytes(0));
        Assert.Equal(420, info.RowBytes(512));
        Assert.Throws<ArgumentOutOfRangeException>(() => info.RowBytes(511));
        Assert.Throws<ArgumentOutOfRangeException>(() => info.RowBytes(-256));
        Assert.Throws<OverflowException>(() => TensorTypeInfo.Of(TensorType.F64).RowBytes(long.MaxValue));
    }
}
