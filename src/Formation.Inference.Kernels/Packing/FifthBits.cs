using System.Runtime.CompilerServices;
using Formation.Inference.Kernels.Vectors;

namespace Formation.Inference.Kernels.Packing;

/// <summary>The 32 highest bits of a block of Q5_0 or Q5_1, one for each column in order, and the quads that hold the lower four.</summary>
internal static unsafe class FifthBits
{
    /// <summary>Two quads of levels, sixteen columns apart.</summary>
    /// <param name="bits">The bits of sixteen rows.</param>
    /// <param name="quads">Four quads of lower bits.</param>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal static RunLevels<TQuads> Levels<TQuads>(byte* bits, byte* quads, nuint step, int lane)
        where TQuads : struct, IQuadBits<TQuads>
    {
        var low = Unpacking.Nibbles<TQuads>(quads, step, lane);
        var fifths = TQuads.ShiftRightBy(Unpacking.Quad<TQuads>(bits, 0, lane), 4 * (int)step);
        return new(low.First | Spread(fifths), low.Second | Spread(TQuads.ShiftRight(fifths, 16)));
    }

    // Bit j of a lane becomes bit 4 of its byte j. The product puts four copies side by side, seven bits apart.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static TQuads Spread<TQuads>(TQuads bits)
        where TQuads : struct, IQuadBits<TQuads> =>
        TQuads.ShiftLeft((bits & TQuads.Broadcast(0x0F)) * TQuads.Broadcast(0x00204081) & TQuads.Broadcast(0x01010101), 4);
}
