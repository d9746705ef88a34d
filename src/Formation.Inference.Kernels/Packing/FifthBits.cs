using System.Runtime.CompilerServices;
using Formation.Inference.Kernels.Vectors;

namespace Formation.Inference.Kernels.Packing;

/// <summary>The 32 highest bits of a block of Q5_0 or Q5_1, one for each column in order, and the quads that hold the lower four.</summary>
internal static unsafe class FifthBits
{
    private const int LowHalves = 0x0F0F0F0F;

    /// <summary>Writes the eight quads of levels of a block.</summary>
    /// <param name="bits">The bits of sixteen rows.</param>
    /// <param name="quads">Four quads of lower bits.</param>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal static void Unpack<TQuads>(byte* bits, byte* quads, byte* levels)
        where TQuads : struct, IQuads<TQuads>
    {
        var mask = TQuads.Broadcast(LowHalves);
        for (var i = 0; i < Unpacking.QuadBytes; i += TQuads.Count * sizeof(int))
        {
            var low = TQuads.Load(bits + i);
            var high = TQuads.ShiftRight(low, 16);
            for (var quad = 0; quad < 4; quad++)
            {
                var packed = TQuads.Load(quads + quad * Unpacking.QuadBytes + i);
                ((packed & mask) | Spread(low)).Store(levels + quad * IntegerPanel.QuadBytes + i);
                ((TQuads.ShiftRight(packed, 4) & mask) | Spread(high)).Store(levels + (4 + quad) * IntegerPanel.QuadBytes + i);
                low = TQuads.ShiftRight(low, 4);
                high = TQuads.ShiftRight(high, 4);
            }
        }
    }

    // Bit j of a lane becomes bit 4 of its byte j. The product puts four copies side by side, seven bits apart.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static TQuads Spread<TQuads>(TQuads bits)
        where TQuads : struct, IQuads<TQuads> =>
        TQuads.ShiftLeft((bits & TQuads.Broadcast(0x0F)) * TQuads.Broadcast(0x00204081) & TQuads.Broadcast(0x01010101), 4);
}
