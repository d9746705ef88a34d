using System.Runtime.CompilerServices;
using Formation.Inference.Kernels.Threading;

namespace Formation.Inference.Kernels.Dense;

/// <summary>
/// The three float matrix products that a linear layer needs: its output and the gradients of its input and weight. Work is cut into fixed
/// tiles of the result and each value is summed in one fixed order, so the bits depend neither on the number of threads nor on the machine.
/// </summary>
/// <remarks>One call at a time; the packed operands live in scratch memory that is kept between calls.</remarks>
public sealed unsafe class DenseProduct : IDisposable
{
    // 256 inner indices: a packed strip of the left operand (12 KiB) and a panel of the right one (32 KiB) stay in the first cache levels.
    private const int DepthChunk = 256;
    private const int BlockRows = 8 * DenseTile.Rows;
    private const int BlockColumns = 8 * DenseTile.Columns;

    private readonly WorkerTeam _team;
    private readonly DenseTilePath _path;
    private readonly DenseMatrix[] _leftScratch;
    private DenseMatrix _right = new(1, DenseTile.Columns);

    public DenseProduct(WorkerTeam team)
        : this(team, DenseTile.Best)
    {
    }

    internal DenseProduct(WorkerTeam team, DenseTilePath path)
    {
        _team = team;
        _path = path;
        _leftScratch = new DenseMatrix[team.Threads];
        for (var i = 0; i < _leftScratch.Length; i++)
            _leftScratch[i] = new DenseMatrix(BlockRows + DenseTile.Rows, DepthChunk);
    }

    /// <summary>y = x wᵀ.</summary>
    /// <param name="x">At least (rows, inputs).</param>
    /// <param name="w">(outputs, inputs).</param>
    /// <param name="y">At least (rows, outputs).</param>
    /// <param name="rows">Rows of x and y that count.</param>
    /// <param name="accumulate">Whether to add to y.</param>
    public void Forward(DenseMatrix x, DenseMatrix w, DenseMatrix y, int rows, bool accumulate = false)
    {
        Check(x, rows, w.Columns);
        Check(y, rows, w.Rows);
        Multiply(
            new Operand(x.Pointer, x.Columns, 1), new Operand(w.Pointer, w.Columns, 1), y.Pointer,
            new Extent(rows, w.Rows, w.Columns), accumulate);
    }

    /// <summary>dx = dy w.</summary>
    /// <param name="dy">At least (rows, outputs).</param>
    /// <param name="w">(outputs, inputs).</param>
    /// <param name="dx">At least (rows, inputs).</param>
    /// <param name="rows">Rows of dy and dx that count.</param>
    /// <param name="accumulate">Whether to add to dx.</param>
    public void InputGradient(DenseMatrix dy, DenseMatrix w, DenseMatrix dx, int rows, bool accumulate = false)
    {
        Check(dy, rows, w.Rows);
        Check(dx, rows, w.Columns);
        Multiply(
            new Operand(dy.Pointer, dy.Columns, 1), new Operand(w.Pointer, 1, w.Columns), dx.Pointer,
            new Extent(rows, w.Columns, w.Rows), accumulate);
    }

    /// <summary>dw += dyᵀ x.</summary>
    /// <param name="dy">At least (rows, outputs).</param>
    /// <param name="x">At least (rows, inputs).</param>
    /// <param name="dw">(outputs, inputs).</param>
    /// <param name="rows">Rows of dy and x that count.</param>
    public void AddWeightGradient(DenseMatrix dy, DenseMatrix x, DenseMatrix dw, int rows)
    {
        Check(dy, rows, dw.Rows);
        Check(x, rows, dw.Columns);
        Multiply(
            new Operand(dy.Pointer, 1, dy.Columns), new Operand(x.Pointer, 1, x.Columns), dw.Pointer,
            new Extent(dw.Rows, dw.Columns, rows), accumulate: true);
    }

    public void Dispose()
    {
        _right.Dispose();
        foreach (var scratch in _leftScratch)
            scratch.Dispose();
    }

    private static void Check(DenseMatrix matrix, int rows, int columns)
    {
        if (matrix.Rows < rows || matrix.Columns != columns)
            throw new ArgumentException($"a ({matrix.Rows}, {matrix.Columns}) matrix where at least ({rows}, {columns}) is needed");
    }

    private void Multiply(Operand left, Operand right, float* result, Extent extent, bool accumulate)
    {
        if (extent.Rows == 0)
            return;
        var panels = (extent.Columns + DenseTile.Columns - 1) / DenseTile.Columns;
        ReserveRight(panels, extent.Depth);
        var packedRight = _right.Pointer;
        DenseJob.Run(_team, panels, (panel, _) => PackPanel(right, packedRight, panel, extent));

        var rowBlocks = (extent.Rows + BlockRows - 1) / BlockRows;
        var columnBlocks = (extent.Columns + BlockColumns - 1) / BlockColumns;
        DenseJob.Run(
            _team, rowBlocks * columnBlocks,
            (item, worker) => MultiplyBlock(
                left, packedRight, result, extent, item / columnBlocks * BlockRows, item % columnBlocks * BlockColumns, worker, accumulate));
    }

    private static void PackPanel(Operand right, float* packed, int panel, Extent extent)
    {
        var column = panel * DenseTile.Columns;
        DensePacking.PackStrip(
            right.Pointer + column * right.AcrossStride, right.AcrossStride, right.InnerStride,
            Math.Min(DenseTile.Columns, extent.Columns - column), DenseTile.Columns, extent.Depth,
            packed + (nint)panel * extent.Depth * DenseTile.Columns);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private void MultiplyBlock(
        Operand left, float* packedRight, float* result, Extent extent, int firstRow, int firstColumn, int worker, bool accumulate)
    {
        var packedLeft = _leftScratch[worker].Pointer;
        var edge = packedLeft + BlockRows * DepthChunk;
        var rows = Math.Min(BlockRows, extent.Rows - firstRow);
        var lastColumn = Math.Min(firstColumn + BlockColumns, extent.Columns);
        for (var start = 0; start < extent.Depth; start += DepthChunk)
        {
            var depth = Math.Min(DepthChunk, extent.Depth - start);
            for (var row = 0; row < rows; row += DenseTile.Rows)
            {
                DensePacking.PackStrip(
                    left.Pointer + (firstRow + row) * left.AcrossStride + start * left.InnerStride, left.AcrossStride, left.InnerStride,
                    Math.Min(DenseTile.Rows, rows - row), DenseTile.Rows, depth, packedLeft + row * depth);
            }

            var add = accumulate || start > 0;
            for (var column = firstColumn; column < lastColumn; column += DenseTile.Columns)
            {
                var panel = packedRight + ((nint)(column / DenseTile.Columns) * extent.Depth + start) * DenseTile.Columns;
                var width = Math.Min(DenseTile.Columns, lastColumn - column);
                for (var row = 0; row < rows; row += DenseTile.Rows)
                {
                    var height = Math.Min(DenseTile.Rows, rows - row);
                    var target = result + (nint)(firstRow + row) * extent.Columns + column;
                    if (height == DenseTile.Rows && width == DenseTile.Columns)
                    {
                        DenseTile.Multiply(_path, packedLeft + row * depth, panel, depth, target, extent.Columns, add);
                        continue;
                    }
                    DenseTile.Multiply(_path, packedLeft + row * depth, panel, depth, edge, DenseTile.Columns, false);
                    StoreEdge(edge, target, extent.Columns, height, width, add);
                }
            }
        }
    }

    private static void StoreEdge(float* edge, float* target, int stride, int height, int width, bool add)
    {
        for (var row = 0; row < height; row++)
        {
            for (var column = 0; column < width; column++)
            {
                var value = edge[row * DenseTile.Columns + column];
                var place = target + (nint)row * stride + column;
                *place = add ? *place + value : value;
            }
        }
    }

    private void ReserveRight(int panels, int depth)
    {
        if ((long)_right.Rows * _right.Columns >= (long)panels * depth * DenseTile.Columns)
            return;
        _right.Dispose();
        _right = new DenseMatrix(checked(panels * depth), DenseTile.Columns);
    }

    /// <summary>An operand: where its neighbours lie across the result and along the inner dimension.</summary>
    private readonly struct Operand(float* pointer, nint acrossStride, nint innerStride)
    {
        public float* Pointer { get; } = pointer;

        public nint AcrossStride { get; } = acrossStride;

        public nint InnerStride { get; } = innerStride;
    }

    /// <summary>The sides of the product: the result's rows and columns, and the inner dimension.</summary>
    private readonly record struct Extent(int Rows, int Columns, int Depth);
}
