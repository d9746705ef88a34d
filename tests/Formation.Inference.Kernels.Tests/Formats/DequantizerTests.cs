using Formation.Inference.Kernels.Dispatch;
using Formation.Inference.Kernels.Formats;

namespace Formation.Inference.Kernels.Tests.Formats;

public sealed class DequantizerTests
{
    public static TheoryData<TensorType, KernelPath> TypesAndPaths()
    {
        var data = new TheoryData<TensorType, KernelPath>();
        foreach (var type in RandomRows.ComputedTypes)
        {
            foreach (var path in KernelPaths.Available)
                data.Add(type, path);
        }
        return data;
    }

    [Theory]
    [MemberData(nameof(TypesAndPaths))]
    public void Every_path_gives_the_bits_of_the_scalar_definition(TensorType type, KernelPath path)
    {
        var blockSize = TensorTypeInfo.Of(type).BlockSize;
        foreach (var count in new[] { 0, 1, 3, 15, 16, 17, 31, 33, 64, 257 }.Select(n => n * blockSize))
        {
            var row = RandomRows.Bytes(type, count, seed: count + (int)type);
            var expected = new float[count];
            var actual = new float[count + 1];
            actual[count] = 12345;
            Dequantizer.Row(type, row, expected, KernelPath.Scalar);
            Dequantizer.Row(type, row, actual.AsSpan(0, count), path);

            for (var i = 0; i < count; i++)
            {
                // A NaN's payload after arithmetic is the processor's choice.
                var same = float.IsNaN(expected[i])
                    ? float.IsNaN(actual[i])
                    : BitConverter.SingleToInt32Bits(expected[i]) == BitConverter.SingleToInt32Bits(actual[i]);
                if (!same)
                    Assert.Fail($"value {i} of {count} is {actual[i]:r}, not {expected[i]:r}");
            }
            Assert.Equal(12345, actual[count]);
        }
    }

    [Theory]
    [MemberData(nameof(TypesAndPaths))]
    public void A_row_that_starts_at_an_odd_address_is_read(TensorType type, KernelPath path)
    {
        var count = 2 * Math.Max(16, TensorTypeInfo.Of(type).BlockSize);
        var row = RandomRows.Quantized(type, RandomRows.Values(count, seed: 5));
        var shifted = new byte[row.Length + 1];
        row.CopyTo(shifted, 1);
        var expected = new float[count];
        var actual = new float[count];
        Dequantizer.Row(type, row, expected, path);
        Dequantizer.Row(type, shifted.AsSpan(1), actual, path);
        Assert.Equal(expected, actual);
    }

    [Fact]
    public void A_format_that_is_not_computed_is_refused_by_name()
    {
        var error = Assert.Throws<NotSupportedException>(() => Dequantizer.Row(TensorType.NVFP4, new byte[36], new float[64]));
        Assert.Contains("NVFP4", error.Message);
    }

    [Fact]
    public void Bytes_that_do_not_fit_the_values_are_refused()
    {
        var error = Assert.Throws<ArgumentException>(() => Dequantizer.Row(TensorType.Q8_0, new byte[33], new float[32]));
        Assert.Contains("34", error.Message);
        Assert.Throws<ArgumentOutOfRangeException>(() => Dequantizer.Row(TensorType.Q8_0, new byte[34], new float[31]));
        Assert.Throws<ArgumentOutOfRangeException>(() => Dequantizer.Row((TensorType)4, new byte[34], new float[32]));
    }
}
