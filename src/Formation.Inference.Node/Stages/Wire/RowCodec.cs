using System.Buffers.Binary;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;

namespace Formation.Inference.Node.Stages.Wire;

/// <summary>Rows of float32 to bytes of a link's precision and back. The vectors give the same bits as the scalar lines behind them.</summary>
internal static class RowCodec
{
    /// <summary>Values that share a scale in <see cref="ActivationPrecision.Q8"/>.</summary>
    public const int BlockValues = 32;

    const int ScaleBytes = sizeof(float);
    const float LargestInteger = 127;

    // Values past it are stored as it, so that a scale times 127 is finite, whatever the rounding.
    const float LargestScaled = 1e38f;

    // Below it 1 / scale is infinite; such a block is 0.
    const float SmallestScale = 1e-37f;

    const uint LargestBFloat16 = 0x7F7F_FFFF;
    const uint Exponent = 0x7F80_0000;
    const uint Magnitude = 0x7FFF_FFFF;

    /// <summary>Bytes of a row of <paramref name="width"/> values.</summary>
    public static int RowBytes(ActivationPrecision precision, int width) => precision switch
    {
        ActivationPrecision.F32 => checked(width * sizeof(float)),
        ActivationPrecision.BF16 => checked(width * sizeof(ushort)),
        ActivationPrecision.Q8 => checked(width + (width + BlockValues - 1) / BlockValues * ScaleBytes),
        _ => throw new ArgumentOutOfRangeException(nameof(precision), precision, "one precision"),
    };

    /// <summary>Whether no value is NaN or infinite.</summary>
    public static bool IsFinite(ReadOnlySpan<float> values)
    {
        var bits = MemoryMarshal.Cast<float, uint>(values);
        var exponent = Vector256.Create(Exponent);
        var found = Vector256<uint>.Zero;
        var i = 0;
        for (; i + Vector256<uint>.Count <= bits.Length; i += Vector256<uint>.Count)
            found |= Vector256.Equals(Vector256.Create(bits[i..]) & exponent, exponent);
        var isFinite = found == Vector256<uint>.Zero;
        for (; i < bits.Length; i++)
            isFinite &= (bits[i] & Exponent) != Exponent;
        return isFinite;
    }

    /// <summary>Writes finite values.</summary>
    /// <param name="values">Whole rows of <paramref name="width"/> values.</param>
    /// <param name="bytes">As long as the rows in this precision.</param>
    public static void Encode(ActivationPrecision precision, ReadOnlySpan<float> values, int width, Span<byte> bytes)
    {
        switch (precision)
        {
            case ActivationPrecision.F32:
                MemoryMarshal.AsBytes(values).CopyTo(bytes);
                break;
            case ActivationPrecision.BF16:
                EncodeBFloat16(MemoryMarshal.Cast<float, uint>(values), MemoryMarshal.Cast<byte, ushort>(bytes));
                break;
            default:
                var rowBytes = RowBytes(precision, width);
                for (var row = 0; row * width < values.Length; row++)
                    EncodeQ8(values.Slice(row * width, width), bytes.Slice(row * rowBytes, rowBytes));
                break;
        }
    }

    /// <summary>Reads what <see cref="Encode"/> wrote, or what somebody else claims to have written: any bytes give some values.</summary>
    public static void Decode(ActivationPrecision precision, ReadOnlySpan<byte> bytes, int width, Span<float> values)
    {
        switch (precision)
        {
            case ActivationPrecision.F32:
                bytes.CopyTo(MemoryMarshal.AsBytes(values));
                break;
            case ActivationPrecision.BF16:
                DecodeBFloat16(MemoryMarshal.Cast<byte, ushort>(bytes), MemoryMarshal.Cast<float, uint>(values));
                break;
            default:
                var rowBytes = RowBytes(precision, width);
                for (var row = 0; row * width < values.Length; row++)
                    DecodeQ8(bytes.Slice(row * rowBytes, rowBytes), values.Slice(row * width, width));
                break;
        }
    }

    static void EncodeBFloat16(ReadOnlySpan<uint> bits, Span<ushort> halves)
    {
        var i = 0;
        for (; i + Vector256<ushort>.Count <= bits.Length; i += Vector256<ushort>.Count)
        {
            var low = RoundToBFloat16(Vector256.Create(bits[i..]));
            var high = RoundToBFloat16(Vector256.Create(bits[(i + Vector256<uint>.Count)..]));
            Vector256.Narrow(low, high).CopyTo(halves[i..]);
        }
        for (; i < bits.Length; i++)
        {
            var rounded = bits[i] + 0x7FFF + ((bits[i] >> 16) & 1);
            if ((rounded & Exponent) == Exponent)
                rounded = (bits[i] & ~Magnitude) | LargestBFloat16;
            halves[i] = (ushort)(rounded >> 16);
        }
    }

    static Vector256<uint> RoundToBFloat16(Vector256<uint> bits)
    {
        var rounded = bits + Vector256.Create(0x7FFFu) + ((bits >>> 16) & Vector256<uint>.One);
        var overflown = Vector256.Equals(rounded & Vector256.Create(Exponent), Vector256.Create(Exponent));
        var largest = (bits & Vector256.Create(~Magnitude)) | Vector256.Create(LargestBFloat16);
        return Vector256.ConditionalSelect(overflown, largest, rounded) >>> 16;
    }

    static void DecodeBFloat16(ReadOnlySpan<ushort> halves, Span<uint> bits)
    {
        var i = 0;
        for (; i + Vector256<ushort>.Count <= halves.Length; i += Vector256<ushort>.Count)
        {
            var (low, high) = Vector256.Widen(Vector256.Create(halves[i..]));
            (low << 16).CopyTo(bits[i..]);
            (high << 16).CopyTo(bits[(i + Vector256<uint>.Count)..]);
        }
        for (; i < halves.Length; i++)
            bits[i] = (uint)halves[i] << 16;
    }

    static void EncodeQ8(ReadOnlySpan<float> row, Span<byte> bytes)
    {
        while (row.Length > 0)
        {
            var values = row[..Math.Min(BlockValues, row.Length)];
            var largest = Math.Min(LargestMagnitude(values), LargestScaled);
            var scale = largest / LargestInteger;
            if (scale < SmallestScale)
                scale = 0;
            BinaryPrimitives.WriteSingleLittleEndian(bytes, scale);
            Quantize(values, scale == 0 ? 0 : 1 / scale, MemoryMarshal.Cast<byte, sbyte>(bytes.Slice(ScaleBytes, values.Length)));
            row = row[values.Length..];
            bytes = bytes[(ScaleBytes + values.Length)..];
        }
    }

    static float LargestMagnitude(ReadOnlySpan<float> values)
    {
        if (values.Length == BlockValues)
        {
            var most = Vector256<float>.Zero;
            for (var i = 0; i < BlockValues; i += Vector256<float>.Count)
                most = Vector256.Max(most, Vector256.Abs(Vector256.Create(values[i..])));
            var half = Vector128.Max(most.GetLower(), most.GetUpper());
            return MathF.Max(MathF.Max(half[0], half[1]), MathF.Max(half[2], half[3]));
        }
        var largest = 0f;
        foreach (var value in values)
            largest = MathF.Max(largest, MathF.Abs(value));
        return largest;
    }

    static void Quantize(ReadOnlySpan<float> values, float inverse, Span<sbyte> integers)
    {
        if (values.Length == BlockValues)
        {
            var low = Vector256.Narrow(Integers(values, 0, inverse), Integers(values, 8, inverse));
            var high = Vector256.Narrow(Integers(values, 16, inverse), Integers(values, 24, inverse));
            Vector256.Narrow(low, high).CopyTo(integers);
            return;
        }
        for (var i = 0; i < values.Length; i++)
            integers[i] = (sbyte)Math.Clamp(MathF.Round(values[i] * inverse), -LargestInteger, LargestInteger);
    }

    static Vector256<int> Integers(ReadOnlySpan<float> values, int first, float inverse)
    {
        var rounded = Vector256.Round(Vector256.Create(values[first..]) * Vector256.Create(inverse));
        var limit = Vector256.Create(LargestInteger);
        return Vector256.ConvertToInt32(Vector256.Min(Vector256.Max(rounded, -limit), limit));
    }

    static void DecodeQ8(ReadOnlySpan<byte> bytes, Span<float> row)
    {
        while (row.Length > 0)
        {
            var values = row[..Math.Min(BlockValues, row.Length)];
            var scale = BinaryPrimitives.ReadSingleLittleEndian(bytes);
            var integers = MemoryMarshal.Cast<byte, sbyte>(bytes.Slice(ScaleBytes, values.Length));
            if (values.Length == BlockValues)
                Scale(integers, scale, values);
            else
                for (var i = 0; i < values.Length; i++)
                    values[i] = integers[i] * scale;
            row = row[values.Length..];
            bytes = bytes[(ScaleBytes + values.Length)..];
        }
    }

    static void Scale(ReadOnlySpan<sbyte> integers, float scale, Span<float> values)
    {
        var factor = Vector256.Create(scale);
        var (low, high) = Vector256.Widen(Vector256.Create(integers));
        var (first, second) = Vector256.Widen(low);
        var (third, fourth) = Vector256.Widen(high);
        (Vector256.ConvertToSingle(first) * factor).CopyTo(values);
        (Vector256.ConvertToSingle(second) * factor).CopyTo(values[8..]);
        (Vector256.ConvertToSingle(third) * factor).CopyTo(values[16..]);
        (Vector256.ConvertToSingle(fourth) * factor).CopyTo(values[24..]);
    }
}
