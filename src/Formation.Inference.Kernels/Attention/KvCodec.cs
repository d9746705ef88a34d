using System.Runtime.CompilerServices;
using Formation.Inference.Kernels.Formats;
using Formation.Inference.Kernels.Vectors;

namespace Formation.Inference.Kernels.Attention;

/// <summary>Writes one head's values into half a tile (its keys or its values) and reads a whole half back as float32.</summary>
/// <remarks>
/// In <see cref="KvFormat.Q8_0"/> the integers come first, ordered as in the other formats, and the scales behind them: scale (g, position)
/// of keys at g · 16 + position, scale (position, g) of values at position · groups + g.
/// </remarks>
internal static unsafe class KvCodec
{
    private const float LargestHalf = 65504;

    /// <summary>Writes values <paramref name="stride"/> apart: 16 for keys, which are transposed, and 1 for values.</summary>
    /// <param name="first">Where the first one goes: the position's index for keys, and that times headSize for values.</param>
    public static void Write(KvLayout layout, byte* half, ReadOnlySpan<float> source, int first, int stride)
    {
        switch (layout.Format)
        {
            case KvFormat.F16:
                var halves = (ushort*)half + first;
                for (var i = 0; i < source.Length; i++)
                    halves[i * stride] = ToHalf(source[i]);
                break;
            case KvFormat.Q8_0:
                WriteQ8(layout, half, source, first, stride);
                break;
            default:
                var floats = (float*)half + first;
                for (var i = 0; i < source.Length; i++)
                    floats[i * stride] = source[i];
                break;
        }
    }

    // A value past half precision's range is stored as its largest: infinity would turn the whole row's attention into NaN.
    private static ushort ToHalf(float value) => HalfBits.FromSingle(Math.Clamp(value, -LargestHalf, LargestHalf));

    private static void WriteQ8(KvLayout layout, byte* half, ReadOnlySpan<float> source, int first, int stride)
    {
        var quants = (sbyte*)half + first;
        var scales = (ushort*)(half + layout.HeadSize * KvLayout.TilePositions);
        var groups = layout.HeadSize / KvLayout.ScaledValues;
        for (var group = 0; group < groups; group++)
        {
            var values = source.Slice(group * KvLayout.ScaledValues, KvLayout.ScaledValues);
            var largest = 0f;
            foreach (var value in values)
                largest = MathF.Max(largest, MathF.Abs(value));
            var bits = ToHalf(largest / 127);
            scales[stride == 1 ? first / layout.HeadSize * groups + group : group * KvLayout.TilePositions + first] = bits;

            // Dividing by the scale as it was stored keeps its own rounding out of the error; a scale of 0 means that all values are 0.
            var scale = HalfBits.ToSingle(bits);
            var inverse = scale == 0 ? 0 : 1 / scale;
            for (var i = 0; i < values.Length; i++)
                quants[(group * KvLayout.ScaledValues + i) * stride] = (sbyte)Math.Clamp(MathF.Round(values[i] * inverse), -127, 127);
        }
    }

    /// <summary>
    /// Half a tile as float32, in its own order: the memory itself where it is float32, else <paramref name="scratch"/> filled.
    /// </summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static float* Read<TFloats>(KvLayout layout, byte* half, bool keys, float* scratch)
        where TFloats : struct, IFloats<TFloats>
    {
        var count = layout.HeadSize * KvLayout.TilePositions;
        switch (layout.Format)
        {
            case KvFormat.F16:
                for (var i = 0; i < count; i += TFloats.Count)
                    TFloats.LoadHalf((ushort*)half + i).Store(scratch + i);
                return scratch;
            case KvFormat.Q8_0:
                var scales = (ushort*)(half + count);
                for (var i = 0; i < count; i += TFloats.Count)
                {
                    var scale = keys
                        ? TFloats.LoadHalf(scales + KeyScale(i))
                        : TFloats.Broadcast(HalfBits.ToSingle(scales[i / KvLayout.ScaledValues]));
                    (TFloats.LoadSByte((sbyte*)half + i) * scale).Store(scratch + i);
                }
                return scratch;
            default:
                return (float*)half;
        }
    }

    /// <summary>One value of half a tile, read with no vectors.</summary>
    /// <param name="index">Its place in the half's order.</param>
    public static float ReadOne(KvLayout layout, byte* half, bool keys, int index)
    {
        switch (layout.Format)
        {
            case KvFormat.F16:
                return HalfBits.ToSingle(((ushort*)half)[index]);
            case KvFormat.Q8_0:
                var scales = (ushort*)(half + layout.HeadSize * KvLayout.TilePositions);
                var scale = keys ? KeyScale(index) : index / KvLayout.ScaledValues;
                return ((sbyte*)half)[index] * HalfBits.ToSingle(scales[scale]);
            default:
                return ((float*)half)[index];
        }
    }

    /// <summary>The scale of a key's value, from the value's place.</summary>
    private static int KeyScale(int index)
    {
        const int GroupValues = KvLayout.TilePositions * KvLayout.ScaledValues;
        return index / GroupValues * KvLayout.TilePositions + index % KvLayout.TilePositions;
    }
}
