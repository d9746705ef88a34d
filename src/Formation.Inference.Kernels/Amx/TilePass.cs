using System.Runtime.InteropServices;

namespace Formation.Inference.Kernels.Amx;

/// <summary>
/// What a pass of the microkernel gets: one or two strips of weights, and blocks of rows that meet them one after the other.
/// </summary>
/// <remarks>The machine code reads the fields by their offsets.</remarks>
[StructLayout(LayoutKind.Sequential)]
internal unsafe struct TilePass
{
    /// <summary>The shapes of the tiles.</summary>
    public TileConfiguration* Configuration;

    /// <summary>
    /// Tiles of activations: for sixteen rows one tile behind the other, then the next sixteen rows.
    /// </summary>
    public ushort* Activations;

    /// <summary>Tiles of weights: those of the first strip, then those of the second.</summary>
    public ushort* Weights;

    /// <summary>Tiles of each strip and of each sixteen rows, at least 1.</summary>
    public nint Steps;

    /// <summary>Blocks of rows, at least 1; each has as many tiles of rows as the pass's <see cref="TilePassShape"/> says.</summary>
    public nint Blocks;

    /// <summary>What the products are added to; without a place it is zero.</summary>
    public TileSums Addend;

    /// <summary>Where the sums go. May be the place of <see cref="Addend"/>.</summary>
    public TileSums Sums;
}

/// <summary>How many tiles the sums of a pass fill at a time: 2 by 2 keeps the matrix unit busy, less is for the edges.</summary>
/// <param name="RowTiles">Tiles of sixteen rows: 1 or 2.</param>
/// <param name="Strips">Tiles of sixteen outputs: 1 or 2.</param>
internal readonly record struct TilePassShape(int RowTiles, int Strips)
{
    public static TilePassShape[] All { get; } = [new(1, 1), new(1, 2), new(2, 1), new(2, 2)];

    /// <summary>The place in <see cref="All"/>.</summary>
    public int Index => ((RowTiles - 1) * 2) + Strips - 1;
}
