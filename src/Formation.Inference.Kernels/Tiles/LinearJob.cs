using Formation.Inference.Kernels.Dispatch;
using Formation.Inference.Kernels.Formats;
using Formation.Inference.Kernels.Threading;

namespace Formation.Inference.Kernels.Tiles;

/// <summary>
/// y = x * weight^T, a task being some tiles of weight rows. Each panel of weights is turned into float32 once, in scratch memory
/// that stays in the first-level cache, and used for all activation rows.
/// </summary>
internal readonly unsafe struct LinearJob(
    WeightMatrix weight, TensorTypeInfo format, float* x, float* y, int rows, int tilesPerTask, KernelPath path, WorkerTeam team) : IJob
{
    /// <summary>Most activation rows whose partial sums are kept at a time: their 128 KiB stay in the second-level cache.</summary>
    internal const int RowsAtOnce = 256;

    private const int PanelFloats = Tile.WeightRows * Tile.PanelColumns;

    public void Execute(int task, int worker)
    {
        var sumFloats = Math.Min(rows, RowsAtOnce) * Tile.SumsOfRow;
        fixed (float* panel = team.Scratch(worker, PanelFloats + sumFloats))
        {
            var end = (int)Math.Min(weight.Rows, ((long)task + 1) * tilesPerTask * Tile.WeightRows);
            for (var weightRow = task * tilesPerTask * Tile.WeightRows; weightRow < end; weightRow += Tile.WeightRows)
            {
                for (var row = 0; row < rows; row += RowsAtOnce)
                    MultiplyTile(weightRow, row, Math.Min(RowsAtOnce, rows - row), panel, panel + PanelFloats);
            }
        }
    }

    private void MultiplyTile(int firstWeightRow, int firstRow, int rowCount, float* panel, float* sums)
    {
        var weightRows = Math.Min(Tile.WeightRows, weight.Rows - firstWeightRow);
        var data = weight.Data.Pointer + firstWeightRow * weight.RowBytes;
        var xRows = x + (nint)firstRow * weight.Columns;
        new Span<float>(sums, rowCount * Tile.SumsOfRow).Clear();
        // Rows past the matrix's last are computed as zeros and left out, so that the tile has one shape.
        new Span<float>(panel + weightRows * Tile.PanelColumns, (Tile.WeightRows - weightRows) * Tile.PanelColumns).Clear();
        for (var column = 0; column < weight.Columns; column += Tile.PanelColumns)
        {
            var columns = Math.Min(Tile.PanelColumns, weight.Columns - column);
            var offset = format.RowBytes(column);
            for (var i = 0; i < weightRows; i++)
                Dequantizer.Row(weight.Type, data + i * weight.RowBytes + offset, panel + i * Tile.PanelColumns, columns, path);
            Tile.Accumulate(panel, xRows + column, weight.Columns, rowCount, columns, sums, path);
        }
        for (var row = 0; row < rowCount; row++)
        {
            var output = y + (nint)(firstRow + row) * weight.Rows + firstWeightRow;
            for (var i = 0; i < weightRows; i++)
                output[i] = Tile.Reduce(sums + row * Tile.SumsOfRow + i * Tile.Lanes, path);
        }
    }
}
