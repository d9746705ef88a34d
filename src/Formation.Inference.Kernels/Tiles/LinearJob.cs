using Formation.Inference.Kernels.Dispatch;
using Formation.Inference.Kernels.Layers;
using Formation.Inference.Kernels.Threading;

namespace Formation.Inference.Kernels.Tiles;

/// <summary>Linear layers of one input, a task being some pairs of strips of any of them.</summary>
internal readonly unsafe ref struct LinearJob(
    ReadOnlySpan<LinearTarget> targets, LinearInput x, LinearEnd end, int pairsPerTask, KernelPath path, WorkerTeam team) : IJob
{
    private readonly ReadOnlySpan<LinearTarget> _targets = targets;

    internal static int Pairs(PackedMatrix weight) => (weight.Strips + 1) / 2;

    public void Execute(int task, int worker)
    {
        var rowsAtOnce = Math.Min(x.Rows, StripPair.MostRows);
        var sumFloats = StripPair.SumFloats(rowsAtOnce);
        fixed (float* panel = team.Scratch(worker, StripPair.PanelFloats + 2 * sumFloats))
        {
            var sums = panel + StripPair.PanelFloats;
            var last = (task + 1) * pairsPerTask;
            for (var pair = task * pairsPerTask; pair < last; pair++)
            {
                if (!Find(pair, out var target, out var pairOfTarget))
                    return;
                for (var row = 0; row < x.Rows; row += rowsAtOnce)
                {
                    var rows = Math.Min(rowsAtOnce, x.Rows - row);
                    StripPair.Multiply(_targets[target].Weight, pairOfTarget, x, row, rows, panel, sums, path);
                    AddBias(_targets[target], pairOfTarget, rows, sums);
                    if (end == LinearEnd.Gate)
                    {
                        StripPair.Multiply(_targets[1].Weight, pairOfTarget, x, row, rows, panel, sums + sumFloats, path);
                        AddBias(_targets[1], pairOfTarget, rows, sums + sumFloats);
                        var all = rows * StripPair.Outputs;
                        GatedActivation.SwiGlu(new(sums, all), new(sums + sumFloats, all), new(sums, all), path);
                    }
                    Store(_targets[target], pairOfTarget, row, rows, sums);
                }
            }
        }
    }

    /// <summary>Which target a pair belongs to. A gate's two targets are one: they go pair by pair.</summary>
    private bool Find(int pair, out int target, out int pairOfTarget)
    {
        var count = end == LinearEnd.Gate ? 1 : _targets.Length;
        pairOfTarget = pair;
        for (target = 0; target < count; target++)
        {
            var pairs = Pairs(_targets[target].Weight);
            if (pairOfTarget < pairs)
                return true;
            pairOfTarget -= pairs;
        }
        return false;
    }

    private static int OutputsOf(in LinearTarget target, int pair) =>
        Math.Min(StripPair.Outputs, target.Weight.Rows - pair * StripPair.Outputs);

    private static void AddBias(in LinearTarget target, int pair, int rows, float* sums)
    {
        if (target.Bias.Length == 0)
            return;
        var bias = (float*)target.Bias.Pointer + pair * StripPair.Outputs;
        var outputs = OutputsOf(target, pair);
        for (var row = 0; row < rows; row++)
        {
            for (var i = 0; i < outputs; i++)
                sums[row * StripPair.Outputs + i] += bias[i];
        }
    }

    private void Store(in LinearTarget target, int pair, int firstRow, int rows, float* sums)
    {
        var outputs = OutputsOf(target, pair);
        for (var row = 0; row < rows; row++)
        {
            var y = new Span<float>(
                (float*)target.Y.Pointer + (nint)(firstRow + row) * target.Weight.Rows + pair * StripPair.Outputs, outputs);
            var values = new ReadOnlySpan<float>(sums + row * StripPair.Outputs, outputs);
            if (end == LinearEnd.Add)
                Addition.Accumulate(values, y, path);
            else
                values.CopyTo(y);
        }
    }
}

/// <summary>What becomes of a linear layer's sums.</summary>
internal enum LinearEnd
{
    /// <summary>They are the result.</summary>
    Store,

    /// <summary>They are added to what is there.</summary>
    Add,

    /// <summary>The first target's gate the second's, and the result goes to the first.</summary>
    Gate,
}
