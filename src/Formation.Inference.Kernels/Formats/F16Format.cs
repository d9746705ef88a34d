using System.Runtime.CompilerServices;
using Formation.Inference.Kernels.Vectors;

namespace Formation.Inference.Kernels.Formats;

/// <summary>IEEE 754 half precision, one value after another.</summary>
internal static unsafe class F16Format
{
    internal static void Dequantize(ushort* row, float* values, int count)
    {
        for (var i = 0; i < count; i++)
            values[i] = HalfBits.ToSingle(row[i]);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    internal static void Dequantize<TFloats>(ushort* row, float* values, int count)
        where TFloats : struct, IFloats<TFloats>
    {
        var whole = count - count % TFloats.Count;
        for (var i = 0; i < whole; i += TFloats.Count)
            TFloats.LoadHalf(row + i).Store(values + i);
        Dequantize(row + whole, values + whole, count - whole);
    }

    internal static void Quantize(float* values, ushort* row, int count)
    {
        for (var i = 0; i < count; i++)
            row[i] = HalfBits.FromSingle(values[i]);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    internal static void Quantize<TFloats>(float* values, ushort* row, int count)
        where TFloats : struct, IFloats<TFloats>
    {
        var whole = count - count % TFloats.Count;
        for (var i = 0; i < whole; i += TFloats.Count)
            TFloats.Load(values + i).StoreHalf(row + i);
        Quantize(values + whole, row + whole, count - whole);
    }
}
