using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using Formation.Inference.Kernels.Vectors;

namespace Formation.Inference.Kernels.Formats;

/// <summary>
/// What the four-bit formats share whose values are not evenly spaced. A quant is an index into sixteen levels, and a group is 32
/// values = level * scale in sixteen bytes: byte i holds the quant of value i in its low half and that of value i + 16 in its high
/// half.
/// </summary>
internal static unsafe class NonLinearLevels
{
    /// <summary>Values of a group.</summary>
    internal const int GroupSize = 32;

    /// <summary>Of IQ4_NL and IQ4_XS: ascending, and denser around zero, where a trained model's weights are.</summary>
    internal static ReadOnlySpan<sbyte> IQ4 => [-127, -104, -83, -65, -49, -35, -22, -10, 1, 13, 25, 38, 53, 69, 89, 113];

    /// <summary>
    /// Of MXFP4: twice the numbers of E2M1 (one bit of sign, two of exponent, one of mantissa), which makes them whole. The upper eight
    /// are the lower ones negated, and -0 reads as 0.
    /// </summary>
    internal static ReadOnlySpan<sbyte> E2M1 => [0, 1, 2, 3, 4, 6, 8, 12, 0, -1, -2, -3, -4, -6, -8, -12];

    internal static void Dequantize(ReadOnlySpan<sbyte> levels, byte* quants, float scale, float* values)
    {
        for (var i = 0; i < GroupSize / 2; i++)
        {
            values[i] = levels[quants[i] & 0x0F] * scale;
            values[i + GroupSize / 2] = levels[quants[i] >> 4] * scale;
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal static void Dequantize<TFloats>(ReadOnlySpan<sbyte> levels, byte* quants, float scale, float* values)
        where TFloats : struct, IFloats<TFloats>
    {
        var table = Vector128.Create(levels);
        var packed = Vector128.Load(quants);
        TFloats.Scale(Vector128.ShuffleNative(table, PackedBits.Low4(packed)), scale, values);
        TFloats.Scale(Vector128.ShuffleNative(table, PackedBits.High4(packed)), scale, values + GroupSize / 2);
    }

    /// <summary>The index of the level nearest to a number; of two as near, the lower.</summary>
    /// <param name="ascending">Levels in ascending order, at least two.</param>
    internal static int Nearest(ReadOnlySpan<sbyte> ascending, double number)
    {
        var low = 0;
        var high = ascending.Length - 1;
        while (high - low > 1)
        {
            var middle = (low + high) / 2;
            if (number < ascending[middle])
                high = middle;
            else
                low = middle;
        }
        return number - ascending[low] <= ascending[high] - number ? low : high;
    }
}
