using System.Runtime.InteropServices;

namespace Formation.Inference.Kernels.Tiles;

/// <summary>What the machine code of <see cref="FloatTileCode"/> is called with. It reads the fields by their offsets.</summary>
[StructLayout(LayoutKind.Sequential)]
internal unsafe struct FloatTileArguments
{
    internal byte* First;
    internal byte* FirstEnd;

    /// <summary>The second strip, from the same column on; any readable strip where there is none.</summary>
    internal byte* Second;
    internal float* Inputs;

    /// <summary>Bytes from a row's inputs to the next row's.</summary>
    internal nint InputStride;
    internal float* Sums;

    /// <summary>How often the tile's rows are done; used up by the call.</summary>
    internal nint Repeats;
}
