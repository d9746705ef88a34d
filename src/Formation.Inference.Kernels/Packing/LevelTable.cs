using System.Runtime.CompilerServices;
using Formation.Inference.Kernels.Formats;
using Formation.Inference.Kernels.Vectors;

namespace Formation.Inference.Kernels.Packing;

/// <summary>The sixteen levels of a <see cref="NonLinearLevels"/> format, moved up so that none is negative.</summary>
internal static unsafe class LevelTable
{
    /// <summary>What was added to the levels of <see cref="NonLinearLevels.IQ4"/>.</summary>
    internal const int IQ4Zero = 128;

    /// <summary>What was added to the levels of <see cref="NonLinearLevels.E2M1"/>.</summary>
    internal const int E2M1Zero = 12;

    /// <summary>The levels of <see cref="NonLinearLevels.IQ4"/>.</summary>
    internal static ReadOnlySpan<byte> IQ4 => [1, 24, 45, 63, 79, 93, 106, 118, 129, 141, 153, 166, 181, 197, 217, 241];

    /// <summary>The levels of <see cref="NonLinearLevels.E2M1"/>.</summary>
    internal static ReadOnlySpan<byte> E2M1 => [12, 13, 14, 15, 16, 18, 20, 24, 12, 11, 10, 9, 8, 6, 4, 0];

    /// <summary>Looks a quad up: the low halves of the bytes are columns of the first half of a block, the high halves of the second.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal static RunLevels<TQuads> Levels<TQuads>(ReadOnlySpan<byte> table, byte* quads, nuint step, int lane)
        where TQuads : struct, IQuadBits<TQuads>
    {
        var entries = TQuads.Table(table);
        var indices = Unpacking.Nibbles<TQuads>(quads, step, lane);
        return new(TQuads.LookUp(entries, indices.First), TQuads.LookUp(entries, indices.Second));
    }

    /// <summary>The definition: the levels of one row's sixteen bytes.</summary>
    internal static void Unpack(ReadOnlySpan<byte> table, byte* quants, int firstColumn, in PanelColumn column)
    {
        for (var i = 0; i < 16; i++)
        {
            column.Level(firstColumn + i, table[quants[i] & 0x0F]);
            column.Level(firstColumn + i + 16, table[quants[i] >> 4]);
        }
    }
}
