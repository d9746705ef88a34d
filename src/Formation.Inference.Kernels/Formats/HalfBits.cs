namespace Formation.Inference.Kernels.Formats;

/// <summary>
/// IEEE 754 half precision as raw bits. Done with integer arithmetic because the runtime's own conversion is many times slower; exact for
/// subnormals, infinities and NaN.
/// </summary>
internal static class HalfBits
{
    /// <summary>First bits, shifted into place, whose value is not a subnormal.</summary>
    internal const int FirstNormal = 0x0400 << 13;

    /// <summary>First bits, shifted into place, of infinity and NaN.</summary>
    internal const int FirstNonFinite = 0x7C00 << 13;

    /// <summary>Difference between the exponent biases of single (127) and half (15), in place.</summary>
    internal const int Rebias = (127 - 15) << 23;

    /// <summary>What the difference between the biases multiplies by: 2^112.</summary>
    internal const float RebiasFactor = 5.192296858534828E+33f;

    /// <summary>The sign, exponent and fraction of a half that was shifted into place with copies of its sign above it.</summary>
    internal const int PlacedBits = unchecked((int)0x8FFF_E000);

    /// <summary>The value of a half's last bit when it is subnormal: 2^-24.</summary>
    internal const float SubnormalUnit = 5.9604644775390625E-08f;

    /// <summary>Bits of the first single whose magnitude is past every half: 65536.</summary>
    internal const int FirstOverflow = (127 + 16) << 23;

    /// <summary>Bits of the smallest normal half's value: 2^-14.</summary>
    internal const int SmallestNormal = (127 - 14) << 23;

    internal static float ToSingle(ushort half)
    {
        var sign = (half & 0x8000) << 16;
        var magnitude = (half & 0x7FFF) << 13;
        int bits;
        if (magnitude < FirstNormal)
            bits = BitConverter.SingleToInt32Bits((half & 0x7FFF) * SubnormalUnit);
        else
            bits = magnitude + (magnitude >= FirstNonFinite ? 2 * Rebias : Rebias);
        return BitConverter.Int32BitsToSingle(bits | sign);
    }

    /// <summary>Rounds to the nearest half, ties to even; past the range becomes infinity.</summary>
    internal static ushort FromSingle(float value)
    {
        var bits = BitConverter.SingleToInt32Bits(value);
        var magnitude = bits & 0x7FFF_FFFF;
        int half;
        if (magnitude >= FirstOverflow)
            half = magnitude > 0x7F80_0000 ? 0x7E00 : 0x7C00;
        else if (magnitude < SmallestNormal)
            // Adding 0.5 moves the half's last bit to the single's last bit, so the addition itself rounds as wanted.
            half = BitConverter.SingleToInt32Bits(BitConverter.Int32BitsToSingle(magnitude) + 0.5f) - BitConverter.SingleToInt32Bits(0.5f);
        else
            half = (magnitude - Rebias + 0x0FFF + ((magnitude >> 13) & 1)) >> 13;
        return (ushort)(half | ((bits >> 16) & 0x8000));
    }
}
