using System.Runtime.CompilerServices;

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
    internal static void Dequantize<TLanes>(ushort* row, float* values, int count)
        where TLanes : ILanes
    {
        var whole = count & ~15;
        for (var i = 0; i < whole; i += 16)
            TLanes.WidenHalf(row + i, values + i);
        Dequantize(row + whole, values + whole, count - whole);
    }

    internal static void Quantize(float* values, ushort* row, int count)
    {
        for (var i = 0; i < count; i++)
            row[i] = HalfBits.FromSingle(values[i]);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    internal static void Quantize<TLanes>(float* values, ushort* row, int count)
        where TLanes : ILanes
    {
        var whole = count & ~15;
        for (var i = 0; i < whole; i += 16)
            TLanes.NarrowHalf(values + i, row + i);
        Quantize(values + whole, row + whole, count - whole);
    }
}
