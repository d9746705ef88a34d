using Formation.Inference.Kernels.Dispatch;
using Formation.Inference.Kernels.Threading;
using Formation.Inference.Kernels.Tiles;

namespace Formation.Inference.Kernels;

/// <summary>
/// Linear layers over packed weights. Quantised weights meet activations of 8 bits in exact integer arithmetic, block by block; weights of
/// floating-point numbers are multiplied in float32.
/// </summary>
/// <remarks>A row of a result has the same bits whatever the number of rows, of threads and the width of the vectors.</remarks>
public static class Linear
{
    // Below this many multiplications for a task, handing it to another thread costs more than it gains.
    private const long MultiplicationsPerTask = 64 * 1024;

    // Several tasks a thread, so that a core that is taken away for a moment does not hold up the rest.
    private const int TasksPerThread = 4;

    /// <summary>y = x · weightᵀ + bias for some layers of the same input.</summary>
    /// <exception cref="ArgumentException">The shapes do not fit together.</exception>
    public static void Multiply(ReadOnlySpan<LinearTarget> targets, LinearInput x, WorkerTeam team) =>
        Run(targets, x, LinearEnd.Store, team, KernelPaths.Current);

    /// <summary>y += x · weightᵀ + bias.</summary>
    /// <exception cref="ArgumentException">The shapes do not fit together.</exception>
    public static void Accumulate(in LinearTarget target, LinearInput x, WorkerTeam team) =>
        Run([target], x, LinearEnd.Add, team, KernelPaths.Current);

    /// <summary>y = silu(x · gateᵀ + bias) · (x · upᵀ + bias); the result goes to the gate's region.</summary>
    /// <exception cref="ArgumentException">The shapes do not fit together.</exception>
    public static void Gate(in LinearTarget gate, in LinearTarget up, LinearInput x, WorkerTeam team) =>
        Run([gate, up], x, LinearEnd.Gate, team, KernelPaths.Current);

    internal static void Run(ReadOnlySpan<LinearTarget> targets, LinearInput x, LinearEnd end, WorkerTeam team, KernelPath path)
    {
        var pairs = 0;
        long outputs = 0;
        for (var i = 0; i < targets.Length; i++)
        {
            Check(targets[i], x, hasResult: end != LinearEnd.Gate || i == 0);
            pairs += LinearJob.Pairs(targets[i].Weight);
            outputs += targets[i].Weight.Rows;
        }
        if (end == LinearEnd.Gate && targets[1].Weight.Rows != targets[0].Weight.Rows)
            throw new ArgumentException($"a gate of {targets[0].Weight.Rows} outputs can't gate {targets[1].Weight.Rows}", nameof(targets));
        if (x.Rows == 0)
            return;
        foreach (var target in targets)
            x.Prepare(target.Weight.Type, team, path);
        if (end == LinearEnd.Gate)
            pairs = LinearJob.Pairs(targets[0].Weight);
        var multiplications = (double)x.Rows * x.Columns * outputs;
        var wanted = (int)Math.Clamp(multiplications / MultiplicationsPerTask, 1, Math.Min(pairs, team.Threads * TasksPerThread));
        var pairsPerTask = (pairs + wanted - 1) / wanted;
        team.Run(new LinearJob(targets, x, end, pairsPerTask, path, team), (pairs + pairsPerTask - 1) / pairsPerTask);
    }

    private static void Check(in LinearTarget target, LinearInput x, bool hasResult)
    {
        var weight = target.Weight;
        if (weight.Columns != x.Columns)
            throw new ArgumentException($"a weight of {weight.Columns} inputs can't take rows of {x.Columns}", nameof(x));
        if (hasResult && target.Y.Length / sizeof(float) < (long)x.Rows * weight.Rows)
            throw new ArgumentException($"{x.Rows} rows of {weight.Rows} outputs need more than {target.Y.Length} bytes", nameof(target));
        if (target.Bias.Length != 0 && target.Bias.Length / sizeof(float) != weight.Rows)
            throw new ArgumentException($"a bias of {target.Bias.Length} bytes is none for {weight.Rows} outputs", nameof(target));
    }
}
