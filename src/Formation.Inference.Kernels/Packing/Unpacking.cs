using System.Runtime.CompilerServices;
using Formation.Inference.Kernels.Vectors;

namespace Formation.Inference.Kernels.Packing;

/// <summary>Steps that the vector forms of several formats share. "Bytes" are those of a quad of a strip's sixteen rows: 64.</summary>
internal static unsafe class Unpacking
{
    /// <summary>Bytes of a quad of sixteen rows.</summary>
    internal const int QuadBytes = Strip.Outputs * sizeof(int);

    private const int LowHalves = 0x0F0F0F0F;

    /// <summary>Reads sixteen half precision numbers.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal static void Halves<TFloats>(byte* source, float* values)
        where TFloats : struct, IFloats<TFloats>
    {
        for (var i = 0; i < Strip.Outputs; i += TFloats.Count)
            TFloats.LoadHalf((ushort*)source + i).Store(values + i);
    }

    /// <summary>Reads sixteen half precision numbers and changes their sign.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal static void NegatedHalves<TFloats>(byte* source, float* values)
        where TFloats : struct, IFloats<TFloats>
    {
        for (var i = 0; i < Strip.Outputs; i += TFloats.Count)
            (TFloats.LoadHalf((ushort*)source + i) * TFloats.Broadcast(-1)).Store(values + i);
    }

    /// <summary>Reads a quad of some of a strip's rows.</summary>
    /// <param name="quads">Quads of a strip.</param>
    /// <param name="quad">Which one.</param>
    /// <param name="lane">The first row.</param>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal static TQuads Quad<TQuads>(byte* quads, nuint quad, int lane)
        where TQuads : struct, IQuads<TQuads> => TQuads.Load(quads + quad * QuadBytes + lane * sizeof(int));

    /// <summary>Splits a quad of four-bit levels: the low halves of the bytes are one quad, the high halves another.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal static RunLevels<TQuads> Nibbles<TQuads>(byte* quads, nuint quad, int lane)
        where TQuads : struct, IQuads<TQuads>
    {
        var mask = TQuads.Broadcast(LowHalves);
        var packed = Quad<TQuads>(quads, quad, lane);
        return new(packed & mask, TQuads.ShiftRight(packed, 4) & mask);
    }
}
