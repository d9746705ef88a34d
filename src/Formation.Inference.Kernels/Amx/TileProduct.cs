using Formation.Inference.Kernels.Threading;
using Formation.Inference.Kernels.Tiles;

namespace Formation.Inference.Kernels.Amx;

/// <summary>Linear layers on the matrix unit: y = x · weightᵀ + bias, in bfloat16 with sums in float32.</summary>
/// <remarks>
/// The sum of a row and an output has one order (see <see cref="BrainDot"/>), which begins with the bias, or with what is there where it
/// is added to; so a row's result depends neither on the other rows nor on the threads.
/// </remarks>
internal static class TileProduct
{
    /// <summary>
    /// Most pairs of strips of a task: the sums of 256 outputs and 512 rows are 512 KiB and share the second-level cache with as much of
    /// the activations.
    /// </summary>
    private const int MostPairs = 8;

    // Fewer, and a task reads more activations from outside its caches than its products take time.
    private const int FewestPairs = 4;

    /// <summary>Multiplies an input with all targets.</summary>
    /// <param name="targets">The layers; for a gate, two of as many outputs, of which only the first needs a place for its result.</param>
    /// <param name="x">The input.</param>
    /// <param name="end">What becomes of the sums.</param>
    /// <param name="team">The threads that share the work.</param>
    /// <param name="kernel">What multiplies tiles.</param>
    /// <exception cref="ArgumentException">The shapes do not fit together.</exception>
    public static void Run(ReadOnlySpan<TileTarget> targets, BrainActivations x, LinearEnd end, WorkerTeam team, ITileKernel kernel)
    {
        var pairs = 0;
        foreach (var target in targets)
        {
            if (target.Weight.Inputs != x.Inputs)
                throw new ArgumentException($"a weight of {target.Weight.Inputs} inputs can't take rows of {x.Inputs}", nameof(targets));
            pairs += target.Pairs;
        }
        if (end == LinearEnd.Gate)
        {
            if (targets.Length != 2 || targets[0].Outputs != targets[1].Outputs)
                throw new ArgumentException("a gate takes two layers of as many outputs", nameof(targets));
            pairs = targets[0].Pairs;
        }
        if (x.Rows == 0 || pairs == 0)
            return;
        // A gate's pairs are twice as large: two layers are computed for each.
        var layers = end == LinearEnd.Gate ? 2 : 1;
        var panels = Panels(pairs, team.Threads, MostPairs / layers, FewestPairs / layers);
        team.RunOnTileThreads(new TileProductJob(targets, x, end, pairs, panels, team, kernel), panels * x.RowChunks);
    }

    /// <summary>Into how many parts to cut the pairs: as large as the caches allow, and as many for each thread.</summary>
    internal static int Panels(int pairs, int threads, int mostPairs, int fewestPairs)
    {
        var forCaches = Quotient(pairs, mostPairs);
        // Two for each thread, so that a core that is taken away for a moment does not hold up the rest.
        var forThreads = Math.Min(2 * threads, Quotient(pairs, fewestPairs));
        return Math.Min(pairs, Quotient(Math.Max(forCaches, forThreads), threads) * threads);
    }

    private static int Quotient(int value, int divisor) => (value + divisor - 1) / divisor;
}
