using System.Runtime.InteropServices;

namespace Formation.Inference.Kernels.Amx;

/// <summary>A place of sums in float32: rows of outputs, in any of the orders that a tile can be read from.</summary>
/// <remarks>The machine code reads the fields by their offsets.</remarks>
[StructLayout(LayoutKind.Sequential)]
internal unsafe struct TileSums
{
    /// <summary>The sum of the first row and output, or null for no place.</summary>
    public byte* First;

    /// <summary>Bytes from a row to the next of the same tile.</summary>
    public nint RowBytes;

    /// <summary>Bytes from a strip to the next.</summary>
    public nint StripBytes;

    /// <summary>Bytes from sixteen rows to the next sixteen.</summary>
    public nint RowTileBytes;

    /// <summary>Bytes from a pair of strips to the next.</summary>
    public nint PairBytes;

    /// <summary>A row-major matrix.</summary>
    /// <param name="first">The first sum of the part that is meant.</param>
    /// <param name="outputs">Outputs of the whole matrix.</param>
    public static TileSums RowMajor(float* first, int outputs) => new()
    {
        First = (byte*)first,
        RowBytes = (nint)outputs * sizeof(float),
        StripBytes = BrainTile.RowBytes,
        RowTileBytes = (nint)outputs * sizeof(float) * BrainTile.Rows,
        PairBytes = 2 * BrainTile.RowBytes,
    };

    /// <summary>The same number for every row.</summary>
    /// <param name="first">The first output that is meant; null for no place.</param>
    public static TileSums SameForAllRows(float* first) => new()
    {
        First = (byte*)first,
        StripBytes = BrainTile.RowBytes,
        PairBytes = 2 * BrainTile.RowBytes,
    };

    /// <summary>Tiles one behind the other, the two strips of a pair side by side: what caches like best.</summary>
    /// <param name="first">The first tile.</param>
    /// <param name="rowTiles">Tiles of sixteen rows that a pair has.</param>
    public static TileSums Tiled(float* first, int rowTiles) => new()
    {
        First = (byte*)first,
        RowBytes = BrainTile.RowBytes,
        StripBytes = BrainTile.Bytes,
        RowTileBytes = 2 * BrainTile.Bytes,
        PairBytes = (nint)rowTiles * 2 * BrainTile.Bytes,
    };

    /// <summary>The same place from a pair and a tile of rows on.</summary>
    public readonly TileSums From(int pair, int rowTile)
    {
        var part = this;
        if (First != null)
            part.First += (pair * PairBytes) + (rowTile * RowTileBytes);
        return part;
    }
}
