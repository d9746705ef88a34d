using System.Runtime.InteropServices;

namespace Formation.Inference.Kernels.Tiles;

/// <summary>What the machine code of <see cref="StripCodeWriter{TFormat}"/> is called with. It reads the fields by their offsets.</summary>
[StructLayout(LayoutKind.Sequential)]
internal unsafe struct StripCodeArguments
{
    internal byte* Strip;

    /// <summary>At least one.</summary>
    internal nint Blocks;

    /// <summary>Bytes of the row's columns.</summary>
    internal sbyte* Inputs;

    /// <summary>One for each block.</summary>
    internal float* InputScales;

    /// <summary>
    /// For each block a pair of int16, sums of sixteen columns; in formats with groups an int32 for each, times the zero level if there is
    /// one.
    /// </summary>
    internal int* InputSums;

    /// <summary>
    /// In formats with groups their integer scales, and minimums if the zero level is 0: see <see cref="Packing.IIntegerFormat.Groups"/>.
    /// </summary>
    internal byte* Groups;

    /// <summary>Bytes from a block's groups to the next one's.</summary>
    internal nint GroupStride;

    /// <summary>Sixteen, added to.</summary>
    internal float* Sums;
}
