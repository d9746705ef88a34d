using Formation.Inference.Kernels.Dispatch;
using Formation.Inference.Kernels.Formats;
using Formation.Inference.Kernels.Memory;
using Formation.Inference.Kernels.Threading;
using Formation.Inference.Kernels.Vectors;

namespace Formation.Inference.Kernels.Amx;

/// <summary>
/// The input of linear layers in bfloat16, rounded to nearest even, cut into tiles in the order in which they are multiplied. Made once
/// for all layers that share an input.
/// </summary>
/// <remarks>
/// The order is: chunks of <see cref="BrainTile.RowsAtOnce"/> rows; in each, chunks of <see cref="BrainTile.InputsAtOnce"/> inputs; in
/// each, sixteen rows after sixteen rows; of these, tile after tile. So what a pass reads is one run of memory: it spreads over all sets
/// of the caches, which rows at distances of powers of two do not. Rows and inputs past the last are zeros.
/// </remarks>
internal sealed unsafe class BrainActivations : IDisposable
{
    private const int RowTilesAtOnce = BrainTile.RowsAtOnce / BrainTile.Rows;
    private const int StepsAtOnce = BrainTile.InputsAtOnce / BrainTile.Inputs;

    private NativeBuffer? _tiles;

    public int Rows { get; private set; }

    public int Inputs { get; private set; }

    /// <summary>Chunks of rows.</summary>
    public int RowChunks => (RowTiles + RowTilesAtOnce - 1) / RowTilesAtOnce;

    /// <summary>Chunks of inputs.</summary>
    public int InputChunks => (Steps + StepsAtOnce - 1) / StepsAtOnce;

    /// <summary>The memory of the tiles.</summary>
    internal MemoryRegion Tiles => _tiles?.Region ?? default;

    private int RowTiles => (Rows + BrainTile.Rows - 1) / BrainTile.Rows;

    private int Steps => BrainTile.StepsFor(Inputs);

    /// <summary>Takes an input over, in place of the one before.</summary>
    /// <param name="values">Float32. Shape: (rows, inputs), row-major.</param>
    /// <param name="rows">At least 0.</param>
    /// <param name="inputs">At least 1.</param>
    /// <param name="team">The threads that share the work.</param>
    /// <exception cref="ArgumentException">The region is too short.</exception>
    public void Set(MemoryRegion values, int rows, int inputs, WorkerTeam team) => Set(values, rows, inputs, team, KernelPaths.Current);

    internal void Set(MemoryRegion values, int rows, int inputs, WorkerTeam team, KernelPath path)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(rows);
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(inputs);
        if (values.Length / sizeof(float) < (long)rows * inputs)
            throw new ArgumentException($"{rows} rows of {inputs} values need more than {values.Length} bytes", nameof(values));
        (Rows, Inputs) = (rows, inputs);
        var bytes = (long)RowTiles * Steps * BrainTile.Bytes;
        if (_tiles is null || _tiles.Length < bytes)
        {
            _tiles?.Dispose();
            _tiles = null;
            _tiles = new NativeBuffer(bytes, hugePages: true);
        }
        team.Run(new PackJob(this, (float*)values.Pointer, path), RowTiles);
    }

    /// <summary>Rows of a chunk.</summary>
    public int RowsOf(int rowChunk) => Math.Min(BrainTile.RowsAtOnce, Rows - (rowChunk * BrainTile.RowsAtOnce));

    /// <summary>Tiles of sixteen rows in a chunk.</summary>
    public int RowTilesOf(int rowChunk) => Math.Min(RowTilesAtOnce, RowTiles - (rowChunk * RowTilesAtOnce));

    /// <summary>Tiles side by side in a chunk of inputs.</summary>
    public int StepsOf(int inputChunk) => Math.Min(StepsAtOnce, Steps - (inputChunk * StepsAtOnce));

    /// <summary>The first tile of sixteen rows in a chunk; the others follow it.</summary>
    public ushort* TilesOf(int rowChunk, int inputChunk, int rowTile)
    {
        var tile = ((long)rowChunk * RowTilesAtOnce * Steps)
            + ((long)inputChunk * StepsAtOnce * RowTilesOf(rowChunk))
            + ((long)rowTile * StepsOf(inputChunk));
        return (ushort*)_tiles!.Region.Pointer + (tile * BrainTile.Numbers);
    }

    public void Dispose()
    {
        _tiles?.Dispose();
        _tiles = null;
    }

    /// <summary>Packs sixteen rows a task.</summary>
    private readonly struct PackJob(BrainActivations activations, float* values, KernelPath path) : IJob
    {
        public void Execute(int task, int worker)
        {
            var (rowChunk, rowTile) = Math.DivRem(task, RowTilesAtOnce);
            for (var inputChunk = 0; inputChunk < activations.InputChunks; inputChunk++)
            {
                var tiles = activations.TilesOf(rowChunk, inputChunk, rowTile);
                var first = inputChunk * BrainTile.InputsAtOnce;
                var inputs = Math.Min(BrainTile.InputsAtOnce, activations.Inputs - first);
                for (var i = 0; i < BrainTile.Rows; i++)
                {
                    var row = (task * BrainTile.Rows) + i;
                    var source = values + ((nint)row * activations.Inputs) + first;
                    var count = row < activations.Rows ? inputs : 0;
                    VectorKernel.Run(new RowKernel(source, count, tiles + (i * BrainTile.Inputs), activations.StepsOf(inputChunk)), path);
                }
            }
        }
    }

    /// <summary>Rounds a part of a row into its row of some tiles.</summary>
    private readonly struct RowKernel(float* source, int inputs, ushort* tiles, int steps) : IVectorKernel
    {
        public void Run<TFloats>() where TFloats : struct, IFloats<TFloats>
        {
            var whole = inputs / BrainTile.Inputs;
            for (var step = 0; step < whole; step++)
            {
                for (var i = 0; i < BrainTile.Inputs; i += TFloats.Count)
                    TFloats.Load(source + (step * BrainTile.Inputs) + i).StoreBrain(tiles + (step * BrainTile.Numbers) + i);
            }
            Scalar(whole);
        }

        public void RunScalar() => Scalar(0);

        private void Scalar(int step)
        {
            for (; step < steps; step++)
            {
                var first = step * BrainTile.Inputs;
                var count = Math.Clamp(inputs - first, 0, BrainTile.Inputs);
                var row = tiles + (step * BrainTile.Numbers);
                BF16Format.Quantize(source + first, row, count);
                new Span<ushort>(row + count, BrainTile.Inputs - count).Clear();
            }
        }
    }
}
