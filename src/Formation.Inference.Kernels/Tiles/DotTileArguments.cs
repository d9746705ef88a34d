using System.Runtime.InteropServices;

namespace Formation.Inference.Kernels.Tiles;

/// <summary>What the machine code of <see cref="DotTileCode"/> is called with. It reads the fields by their offsets.</summary>
[StructLayout(LayoutKind.Sequential)]
internal unsafe struct DotTileArguments
{
    internal byte* Levels;
    internal byte* LevelsEnd;
    internal int* GroupScales;
    internal int* Minimums;
    internal float* Scales;
    internal sbyte* Inputs;

    /// <summary>Bytes from a row's inputs to the next row's; so are the other strides.</summary>
    internal nint InputStride;
    internal float* InputScales;
    internal nint InputScaleStride;
    internal short* InputSums;
    internal nint InputSumStride;
    internal float* Sums;

    /// <summary>How often the tile's rows are done; used up by the call.</summary>
    internal nint Repeats;
}
