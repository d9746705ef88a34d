using System.Runtime.InteropServices;
using Formation.Inference.Kernels.Formats;

namespace Formation.Inference.Kernels.Tests.Formats;

/// <summary>Rows for the tests, the same in every run.</summary>
internal static class RandomRows
{
    internal static readonly TensorType[] ComputedTypes =
        [.. Enum.GetValues<TensorType>().Where(type => TensorTypeInfo.Of(type).IsComputed)];

    /// <summary>Values of a normal distribution, of the size of a model's weights or activations.</summary>
    internal static float[] Values(int count, int seed, float scale = 1)
    {
        var random = new Random(seed);
        var values = new float[count];
        for (var i = 0; i < count; i++)
        {
            var radius = Math.Sqrt(-2 * Math.Log(1 - random.NextDouble()));
            values[i] = (float)(radius * Math.Cos(2 * Math.PI * random.NextDouble())) * scale;
        }
        return values;
    }

    /// <summary>Any bit pattern at all, as a hostile file may hold.</summary>
    internal static byte[] Bytes(TensorType type, int valueCount, int seed)
    {
        var bytes = new byte[TensorTypeInfo.Of(type).RowBytes(valueCount)];
        new Random(seed).NextBytes(bytes);
        return bytes;
    }

    internal static byte[] Quantized(TensorType type, float[] values)
    {
        var row = new byte[TensorTypeInfo.Of(type).RowBytes(values.Length)];
        Quantizer.Row(type, values, row);
        return row;
    }

    internal static ReadOnlySpan<int> Bits(ReadOnlySpan<float> values) => MemoryMarshal.Cast<float, int>(values);
}
