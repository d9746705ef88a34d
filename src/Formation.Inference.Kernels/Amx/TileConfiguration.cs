using System.Runtime.InteropServices;

namespace Formation.Inference.Kernels.Amx;

/// <summary>The shapes of the eight tiles in a pass, as the processor takes them.</summary>
/// <remarks>
/// Tiles 0 to 3 hold the sums (first rows with the first and second strip, then second rows), 4 and 5 the activations, 6 and 7 the
/// weights. What lies past the last row or output is not in any tile, so it is neither read nor written.
/// </remarks>
[StructLayout(LayoutKind.Sequential)]
internal unsafe struct TileConfiguration
{
    private const int Tiles = 16;

    private byte _palette;
    private fixed byte _reserved[15];
    private fixed ushort _rowBytes[Tiles];
    private fixed byte _rows[Tiles];

    /// <summary>The shapes for some rows and outputs.</summary>
    /// <param name="rows">1 to 32: more than 16 need two tiles.</param>
    /// <param name="outputs">1 to 32: more than 16 need two strips.</param>
    public static TileConfiguration For(int rows, int outputs)
    {
        var shapes = new TileConfiguration { _palette = 1 };
        for (var rowTile = 0; rowTile * BrainTile.Rows < rows; rowTile++)
        {
            var tileRows = Math.Min(BrainTile.Rows, rows - (rowTile * BrainTile.Rows));
            shapes.Set(4 + rowTile, tileRows, BrainTile.RowBytes);
            for (var strip = 0; strip * BrainTile.Outputs < outputs; strip++)
            {
                var bytes = Math.Min(BrainTile.Outputs, outputs - (strip * BrainTile.Outputs)) * sizeof(float);
                shapes.Set((2 * rowTile) + strip, tileRows, bytes);
                shapes.Set(6 + strip, BrainTile.Rows, bytes);
            }
        }
        return shapes;
    }

    private void Set(int tile, int rows, int rowBytes)
    {
        _rows[tile] = (byte)rows;
        _rowBytes[tile] = (ushort)rowBytes;
    }
}
