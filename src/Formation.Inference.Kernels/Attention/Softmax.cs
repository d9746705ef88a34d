using System.Runtime.CompilerServices;
using Formation.Inference.Kernels.Vectors;

namespace Formation.Inference.Kernels.Attention;

/// <summary>The softmax of one query, block by block with a running maximum (Milakov and Gimelshein 2018). Scores are powers of 2.</summary>
internal static unsafe class Softmax
{
    /// <summary>
    /// What stands for a maximum before the first score. It is finite, so that no difference of maxima is NaN, and so low that weights
    /// relative to a real maximum are 0.
    /// </summary>
    public const float NoMaximum = float.MinValue;

    /// <summary>
    /// Turns the scores of a block into weights 2^(score - the block's maximum) and adds them to the sums of the weights. Positions outside
    /// the range get 0.
    /// </summary>
    /// <typeparam name="TFloats">The vector width.</typeparam>
    /// <typeparam name="TValues">What the weights will be multiplied with.</typeparam>
    /// <param name="scores">One for each position of the block, of which those of the tiles from <paramref name="firstTile"/> to
    /// <paramref name="endTile"/> - 1 are read.</param>
    /// <param name="first">First position that the query sees.</param>
    /// <param name="end">Position after the last one.</param>
    /// <param name="maximum">The largest score of all blocks so far.</param>
    /// <param name="lanes">The sixteen sums of the weights so far, relative to it.</param>
    /// <returns>As <see cref="Grow"/>.</returns>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static (float Rescale, float Share) Weigh<TFloats, TValues>(
        float* scores, int firstTile, int endTile, int first, int end, ref float maximum, float* lanes)
        where TFloats : struct, IFloats<TFloats>
        where TValues : struct, IValueProducts
    {
        const int Tile = KvLayout.TilePositions;
        var (from, to) = (firstTile * Tile, endTile * Tile);
        for (var j = from; j < Math.Min(first, to); j++)
            scores[j] = float.NegativeInfinity;
        for (var j = Math.Max(end, from); j < to; j++)
            scores[j] = float.NegativeInfinity;

        var largest = TFloats.Broadcast(NoMaximum);
        for (var j = from; j < to; j += TFloats.Count)
            largest = TFloats.Max(largest, TFloats.Load(scores + j));
        var blockMaximum = largest.Max();
        var (rescale, share) = Grow(ref maximum, blockMaximum);

        var origin = TFloats.Broadcast(blockMaximum);
        for (var lane = 0; lane < Tile; lane += TFloats.Count)
        {
            var sum = TFloats.Broadcast(0);
            for (var j = from + lane; j < to; j += Tile)
            {
                var weights = Exponential.Exp2(TFloats.Load(scores + j) - origin);
                (TValues.WeightFactor == 1 ? weights : weights * TFloats.Broadcast(TValues.WeightFactor)).Store(scores + j);
                sum += weights;
            }
            TFloats.MultiplyAdd(sum, TFloats.Broadcast(share), TFloats.Load(lanes + lane) * TFloats.Broadcast(rescale)).Store(lanes + lane);
        }
        return (rescale, share);
    }

    /// <summary>Lets the running maximum grow to that of a block.</summary>
    /// <returns>What the sums so far, and what those of the block are to be multiplied by.</returns>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static (float Rescale, float Share) Grow(ref float maximum, float blockMaximum)
    {
        if (blockMaximum <= maximum)
            return (1, Exponential.Exp2(blockMaximum - maximum));
        var rescale = Exponential.Exp2(maximum - blockMaximum);
        maximum = blockMaximum;
        return (rescale, 1);
    }

    /// <summary>
    /// Adds a chunk to the chunks before it: weights and sums of both are brought to the larger maximum.
    /// </summary>
    /// <param name="size">Dimensions; rows have room for whole vectors.</param>
    public static void Fold<TFloats>(
        ref float maximum, ref float weight, float* totals, float chunkMaximum, float chunkWeight, float* sums, int size)
        where TFloats : struct, IFloats<TFloats>
    {
        var (rescale, share) = Grow(ref maximum, chunkMaximum);
        weight = float.MultiplyAddEstimate(chunkWeight, share, weight * rescale);
        for (var d = 0; d < size; d += TFloats.Count)
        {
            var total = TFloats.Load(totals + d) * TFloats.Broadcast(rescale);
            TFloats.MultiplyAdd(TFloats.Load(sums + d), TFloats.Broadcast(share), total).Store(totals + d);
        }
    }

    /// <summary>The same without vectors.</summary>
    public static void Fold(
        ref float maximum, ref float weight, float* totals, float chunkMaximum, float chunkWeight, float* sums, int size)
    {
        var (rescale, share) = Grow(ref maximum, chunkMaximum);
        weight = float.MultiplyAddEstimate(chunkWeight, share, weight * rescale);
        for (var d = 0; d < size; d++)
            totals[d] = float.MultiplyAddEstimate(sums[d], share, totals[d] * rescale);
    }

    /// <summary>y = totals / weight.</summary>
    public static void Divide<TFloats>(float* totals, float weight, float* y, int size) where TFloats : struct, IFloats<TFloats>
    {
        var inverse = 1 / weight;
        var d = 0;
        for (; d <= size - TFloats.Count; d += TFloats.Count)
            (TFloats.Load(totals + d) * TFloats.Broadcast(inverse)).Store(y + d);
        for (; d < size; d++)
            y[d] = totals[d] * inverse;
    }

    /// <summary>The same without vectors.</summary>
    public static void Divide(float* totals, float weight, float* y, int size)
    {
        var inverse = 1 / weight;
        for (var d = 0; d < size; d++)
            y[d] = totals[d] * inverse;
    }
}
