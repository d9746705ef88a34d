using System.Runtime.CompilerServices;
using Formation.Inference.Kernels.Formats;
using Formation.Inference.Kernels.Vectors;

namespace Formation.Inference.Kernels.Attention;

/// <summary>Writes a position's keys or values of one head into half a tile, and reads single values back.</summary>
/// <remarks>
/// What is stored is finite: a value past the format's range becomes its largest, and NaN becomes 0. A sequence with such a value is lost
/// by itself; the cache must not carry it into others that get the block later.
/// </remarks>
internal static unsafe class KvCodec
{
    private const float LargestHalf = 65504;
    private const float LargestByte = 127;

    // The scale is a half.
    private const float LargestScaled = LargestHalf * LargestByte;

    /// <summary>Writes one position's keys or values.</summary>
    /// <param name="half">The tile's keys or values.</param>
    /// <param name="isKey">Whether they are keys, which are transposed.</param>
    /// <param name="source">Shape: (headSize).</param>
    /// <param name="lane">The position's index in the tile.</param>
    [SkipLocalsInit]
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Write<TFloats>(KvLayout layout, byte* half, bool isKey, float* source, int lane)
        where TFloats : struct, IFloats<TFloats>
    {
        var size = layout.HeadSize;
        // Whole vectors are converted; what lies behind the last value is not placed.
        var values = stackalloc float[KvLayout.MaxHeadSize];
        Copy(source, values, size);
        var scratch = stackalloc ushort[KvLayout.MaxHeadSize];
        switch (layout.Format)
        {
            case KvFormat.F16:
                for (var d = 0; d < size; d += TFloats.Count)
                    TFloats.Clamp(TFloats.Load(values + d), LargestHalf).StoreHalf(scratch + d);
                Place(layout, (ushort*)half, isKey, scratch, lane);
                break;
            case KvFormat.Q8_0:
                var scales = (ushort*)(half + layout.ScalesOffset);
                for (var d = 0; d < size; d += KvLayout.ScaledValues)
                    scales[KvLayout.ScaleIndex(d / KvLayout.ScaledValues, lane)] = Quantize<TFloats>(values + d, (short*)scratch + d);
                var bytes = (sbyte*)scratch;
                for (var d = 0; d < size; d++)
                    bytes[d] = (sbyte)((short*)scratch)[d];
                Place(layout, (sbyte*)half, isKey, bytes, lane);
                break;
            default:
                for (var d = 0; d < size; d += TFloats.Count)
                    TFloats.Clamp(TFloats.Load(values + d), float.MaxValue).Store(values + d);
                Place(layout, (float*)half, isKey, values, lane);
                break;
        }
    }

    /// <summary>The same without vectors.</summary>
    public static void Write(KvLayout layout, byte* half, bool isKey, float* source, int lane)
    {
        for (var d = 0; d < layout.HeadSize; d++)
        {
            var index = isKey ? layout.KeyIndex(d, lane) : layout.ValueIndex(lane, d);
            switch (layout.Format)
            {
                case KvFormat.F16:
                    ((ushort*)half)[index] = HalfBits.FromSingle(Finite(source[d], LargestHalf));
                    break;
                case KvFormat.Q8_0:
                    if (d % KvLayout.ScaledValues == 0)
                        SetScale(layout, half, source, d, lane);
                    var inverse = Inverse(Scale(layout, half, d, lane));
                    ((sbyte*)half)[index] = (sbyte)MathF.Round(Finite(Finite(source[d], LargestScaled) * inverse, LargestByte));
                    break;
                default:
                    ((float*)half)[index] = Finite(source[d], float.MaxValue);
                    break;
            }
        }
    }

    /// <summary>One value of half a tile.</summary>
    /// <param name="index">From <see cref="KvLayout.KeyIndex"/> or <see cref="KvLayout.ValueIndex"/>.</param>
    /// <param name="dimension">The value's dimension.</param>
    /// <param name="lane">The position's index in the tile.</param>
    public static float Read(KvLayout layout, byte* half, int index, int dimension, int lane) => layout.Format switch
    {
        KvFormat.F16 => HalfBits.ToSingle(((ushort*)half)[index]),
        KvFormat.Q8_0 => ((sbyte*)half)[index] * Scale(layout, half, dimension, lane),
        _ => ((float*)half)[index],
    };

    /// <summary>The scale of a value of <see cref="KvFormat.Q8_0"/>.</summary>
    public static float Scale(KvLayout layout, byte* half, int dimension, int lane) => HalfBits.ToSingle(
        ((ushort*)(half + layout.ScalesOffset))[KvLayout.ScaleIndex(dimension / KvLayout.ScaledValues, lane)]);

    /// <summary>Turns a group of values into integers of 8 bits.</summary>
    /// <returns>The bits of their scale.</returns>
    private static ushort Quantize<TFloats>(float* values, short* integers) where TFloats : struct, IFloats<TFloats>
    {
        var largest = TFloats.Broadcast(0);
        for (var d = 0; d < KvLayout.ScaledValues; d += TFloats.Count)
        {
            var value = TFloats.Clamp(TFloats.Load(values + d), LargestScaled);
            value.Store(values + d);
            largest = TFloats.Max(largest, TFloats.Max(value, TFloats.Broadcast(0) - value));
        }
        var bits = HalfBits.FromSingle(largest.Max() / LargestByte);
        var inverse = TFloats.Broadcast(Inverse(HalfBits.ToSingle(bits)));
        for (var d = 0; d < KvLayout.ScaledValues; d += TFloats.Count)
            TFloats.Clamp(TFloats.Load(values + d) * inverse, LargestByte).StoreRounded(integers + d);
        return bits;
    }

    private static void SetScale(KvLayout layout, byte* half, float* source, int dimension, int lane)
    {
        var largest = 0f;
        for (var d = dimension; d < dimension + KvLayout.ScaledValues; d++)
            largest = MathF.Max(largest, MathF.Abs(Finite(source[d], LargestScaled)));
        ((ushort*)(half + layout.ScalesOffset))[KvLayout.ScaleIndex(dimension / KvLayout.ScaledValues, lane)] =
            HalfBits.FromSingle(largest / LargestByte);
    }

    // Dividing by the scale as it was stored keeps its own rounding out of the error; a scale of 0 means that all values are 0.
    private static float Inverse(float scale) => scale == 0 ? 0 : 1 / scale;

    private static float Finite(float value, float limit) => float.IsNaN(value) ? 0 : Math.Clamp(value, -limit, limit);

    private static void Copy(float* source, float* destination, int count) =>
        new ReadOnlySpan<float>(source, count).CopyTo(new Span<float>(destination, count));

    private static void Place<T>(KvLayout layout, T* half, bool isKey, T* source, int lane) where T : unmanaged
    {
        // A position's numbers lie the same distance apart, in pairs for keys.
        if (layout.Format == KvFormat.F32 && !isKey)
        {
            new ReadOnlySpan<T>(source, layout.HeadSize).CopyTo(new Span<T>(half + layout.ValueIndex(lane, 0), layout.HeadSize));
            return;
        }
        for (var d = 0; d < layout.HeadSize; d += 2)
        {
            half[isKey ? layout.KeyIndex(d, lane) : layout.ValueIndex(lane, d)] = source[d];
            half[isKey ? layout.KeyIndex(d + 1, lane) : layout.ValueIndex(lane, d + 1)] = source[d + 1];
        }
    }
}
