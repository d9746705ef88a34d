using System.Runtime.CompilerServices;
using Formation.Inference.Kernels.Vectors;

namespace Formation.Inference.Kernels.Formats;

/// <summary>bfloat16, one value after another: the upper half of a single precision number.</summary>
internal static unsafe class BF16Format
{
    internal static void Dequantize(ushort* row, float* values, int count)
    {
        for (var i = 0; i < count; i++)
            values[i] = BitConverter.Int32BitsToSingle(row[i] << 16);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    internal static void Dequantize<TFloats>(ushort* row, float* values, int count)
        where TFloats : struct, IFloats<TFloats>
    {
        var whole = count - count % TFloats.Count;
        for (var i = 0; i < whole; i += TFloats.Count)
            TFloats.LoadBrain(row + i).Store(values + i);
        Dequantize(row + whole, values + whole, count - whole);
    }

    /// <summary>Rounds to nearest, ties to even; a NaN stays one.</summary>
    internal static void Quantize(float* values, ushort* row, int count)
    {
        for (var i = 0; i < count; i++)
        {
            var bits = BitConverter.SingleToUInt32Bits(values[i]);
            row[i] = (ushort)(float.IsNaN(values[i]) ? (bits >> 16) | 0x40 : (bits + 0x7FFF + ((bits >> 16) & 1)) >> 16);
        }
    }
}
