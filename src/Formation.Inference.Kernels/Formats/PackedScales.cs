namespace Formation.Inference.Kernels.Formats;

/// <summary>
/// The eight 6-bit scales and eight 6-bit minimums that Q4_K and Q5_K keep in twelve bytes: numbers 0-3 in the low six bits of
/// bytes 0-3 (scales) and 4-7 (minimums); numbers 4-7 with their low four bits in bytes 8-11 (scale low, minimum high) and their
/// upper two at the top of bytes 0-7.
/// </summary>
internal static unsafe class PackedScales
{
    internal const int ByteCount = 12;

    internal static (int Scale, int Minimum) Get(byte* packed, int index) => index < 4
        ? (packed[index] & 63, packed[index + 4] & 63)
        : ((packed[index + 4] & 0x0F) | ((packed[index - 4] >> 6) << 4), (packed[index + 4] >> 4) | ((packed[index] >> 6) << 4));

    /// <summary>Adds one pair to bytes that were zero at first.</summary>
    internal static void Set(byte* packed, int index, int scale, int minimum)
    {
        if (index < 4)
        {
            packed[index] |= (byte)scale;
            packed[index + 4] |= (byte)minimum;
            return;
        }
        packed[index + 4] |= (byte)((scale & 0x0F) | ((minimum & 0x0F) << 4));
        packed[index - 4] |= (byte)((scale >> 4) << 6);
        packed[index] |= (byte)((minimum >> 4) << 6);
    }
}
