using System.Diagnostics.CodeAnalysis;
using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace Formation.Inference.Kernels.Formats;

/// <summary>
/// Takes small numbers out of sixteen bytes. Shifts run on 16-bit lanes, which every processor has; the mask drops what crossed a
/// byte.
/// </summary>
internal static class PackedBits
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal static Vector128<sbyte> Low4(Vector128<byte> packed) => (packed & Vector128.Create((byte)0x0F)).AsSByte();

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal static Vector128<sbyte> High4(Vector128<byte> packed) =>
        ((packed.AsUInt16() >>> 4).AsByte() & Vector128.Create((byte)0x0F)).AsSByte();

    /// <summary>The two bits of each byte that start at <paramref name="shift"/> (0, 2, 4 or 6).</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal static Vector128<sbyte> Two(Vector128<byte> packed, [ConstantExpected] int shift) =>
        ((packed.AsUInt16() >>> shift).AsByte() & Vector128.Create((byte)3)).AsSByte();

    /// <summary><paramref name="value"/> in each byte whose <paramref name="bit"/> (a single one) is set, zero in the others.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal static Vector128<sbyte> WhereSet(Vector128<byte> packed, byte bit, sbyte value)
    {
        var mask = Vector128.Create(bit);
        return Vector128.Equals(packed & mask, mask).AsSByte() & Vector128.Create(value);
    }

    /// <summary>All bits of byte i are bit i of <paramref name="bits"/>.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal static Vector128<sbyte> Spread(ushort bits)
    {
        const ulong everyByte = 0x0101_0101_0101_0101;
        var repeated = Vector128.Create((bits & 0xFFUL) * everyByte, (ulong)(bits >> 8) * everyByte).AsByte();
        var mask = Vector128.Create(0x8040_2010_0804_0201UL).AsByte();
        return Vector128.Equals(repeated & mask, mask).AsSByte();
    }
}
