using Formation.Inference.Kernels.Dispatch;
using Formation.Inference.Kernels.Formats;
using Formation.Inference.Kernels.Threading;
using Formation.Inference.Kernels.Tiles;

namespace Formation.Inference.Kernels;

/// <summary>A linear layer over a stored weight, in float32.</summary>
public static unsafe class Linear
{
    // Below this many multiplications for a task, handing it to another thread costs more than it gains.
    private const long MultiplicationsPerTask = 32 * 1024;

    // Several tasks a thread, so that a core that is taken away for a moment does not hold up the rest.
    private const int TasksPerThread = 4;

    /// <summary>y = x * weight^T. A row of y has the same bits whatever the number of rows and of threads.</summary>
    /// <param name="weight">Shape: (outputs, inputs).</param>
    /// <param name="x">Shape: (rows, inputs), row-major.</param>
    /// <param name="y">Shape: (rows, outputs), row-major; overwritten. It must not overlap <paramref name="x"/>.</param>
    /// <param name="rows">Activation rows, at least 0.</param>
    /// <param name="team">The threads that share the work.</param>
    /// <exception cref="ArgumentException">A span is too short for the shapes.</exception>
    /// <exception cref="NotSupportedException">The engine does not compute with the weight's format.</exception>
    public static void Multiply(in WeightMatrix weight, ReadOnlySpan<float> x, Span<float> y, int rows, WorkerTeam team) =>
        Multiply(weight, x, y, rows, team, KernelPaths.Current);

    internal static void Multiply(in WeightMatrix weight, ReadOnlySpan<float> x, Span<float> y, int rows, WorkerTeam team, KernelPath path)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(rows);
        if (x.Length < (long)rows * weight.Columns)
            throw new ArgumentException($"{rows} rows of {weight.Columns} inputs need more than {x.Length} floats", nameof(x));
        if (y.Length < (long)rows * weight.Rows)
            throw new ArgumentException($"{rows} rows of {weight.Rows} outputs need more than {y.Length} floats", nameof(y));
        RowShape.CheckComputed(weight.Type);
        if (rows == 0)
            return;

        var tiles = (weight.Rows + Tile.WeightRows - 1) / Tile.WeightRows;
        var multiplications = (double)rows * weight.Rows * weight.Columns;
        var wanted = (int)Math.Clamp(multiplications / MultiplicationsPerTask, 1, Math.Min(tiles, team.Threads * TasksPerThread));
        var tilesPerTask = (tiles + wanted - 1) / wanted;
        fixed (float* xPointer = x)
        fixed (float* yPointer = y)
        {
            var job = new LinearJob(weight, TensorTypeInfo.Of(weight.Type), xPointer, yPointer, rows, tilesPerTask, path, team);
            team.Run(job, (tiles + tilesPerTask - 1) / tilesPerTask);
        }
    }
}
