using System.Runtime.CompilerServices;
using Formation.Inference.Kernels.Vectors;

namespace Formation.Inference.Kernels.Packing;

/// <summary>Steps that the vector forms of several formats share. "Bytes" are those of a quad of a strip's sixteen rows: 64.</summary>
internal static unsafe class Unpacking
{
    /// <summary>Bytes of a quad of sixteen rows.</summary>
    internal const int QuadBytes = Strip.Outputs * sizeof(int);

    private const int LowHalves = 0x0F0F0F0F;

    /// <summary>Reads half precision numbers of neighbouring rows.</summary>
    /// <param name="halves">Those of a strip.</param>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal static TScales Halves<TScales>(byte* halves, int lane)
        where TScales : struct, IScales<TScales> => TScales.LoadHalf((ushort*)halves + lane);

    /// <summary>Stores the scales of a block of a strip, and its offsets where it has any: sixteen numbers each.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal static void Scales<TFormat, TFloats>(byte* strip, float* scales, float* offsets)
        where TFormat : struct, IIntegerFormat
        where TFloats : struct, IFloats<TFloats>
    {
        for (var lane = 0; lane < Strip.Outputs; lane += TFloats.Count)
        {
            var (scale, offset) = TFormat.Scales<TFloats>(strip, lane);
            scale.Store(scales + lane);
            if (TFormat.HasOffsets)
                offset.Store(offsets + lane);
        }
    }

    /// <summary>Reads a quad of some of a strip's rows.</summary>
    /// <param name="quads">Quads of a strip.</param>
    /// <param name="quad">Which one.</param>
    /// <param name="lane">The first row.</param>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal static TQuads Quad<TQuads>(byte* quads, nuint quad, int lane)
        where TQuads : struct, IQuadBits<TQuads> => TQuads.Load(quads + quad * QuadBytes + lane * sizeof(int));

    /// <summary>Splits a quad of four-bit levels: the low halves of the bytes are one quad, the high halves another.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal static RunLevels<TQuads> Nibbles<TQuads>(byte* quads, nuint quad, int lane)
        where TQuads : struct, IQuadBits<TQuads>
    {
        var mask = TQuads.Broadcast(LowHalves);
        var packed = Quad<TQuads>(quads, quad, lane);
        return new(packed & mask, TQuads.ShiftRight(packed, 4) & mask);
    }
}
