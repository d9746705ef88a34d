using System.Runtime.CompilerServices;
using Formation.Inference.Kernels.Vectors;

namespace Formation.Inference.Kernels.Attention;

/// <summary>The attention of a few queries that share a KV head. See <see cref="PagedAttention"/> for the meaning of the values.</summary>
internal readonly unsafe struct AttentionTask(
    KvMemory memory, int layer, AttentionPlan plan, int task, float scale, int window, float* queries, float* y) : IVectorKernel
{
    private const int Tile = KvLayout.TilePositions;
    private const int HalfTileValues = KvLayout.MaxHeadSize * Tile;

    [SkipLocalsInit]
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public void Run<TFloats>() where TFloats : struct, IFloats<TFloats>
    {
        var keyScratch = stackalloc float[HalfTileValues];
        var valueScratch = stackalloc float[HalfTileValues];
        var scaled = stackalloc float[AttentionPlan.TaskQueries * KvLayout.MaxHeadSize];
        var weights = stackalloc float[Tile];
        var states = stackalloc QueryState[AttentionPlan.TaskQueries];

        var layout = memory.Layout;
        var size = layout.HeadSize;
        var (slice, kvHead, firstQuery) = plan.TaskAt(task);
        var count = CountOf(slice, firstQuery);
        for (var q = 0; q < count; q++)
        {
            var offset = ValueOf(slice, kvHead, firstQuery + q);
            states[q] = new QueryState(PositionOf(slice, firstQuery + q), y + offset);
            for (var d = 0; d < size; d++)
            {
                scaled[q * size + d] = queries[offset + d] * scale;
                y[offset + d] = 0;
            }
        }

        var blockTable = slice.BlockTable.Span;
        var lastTile = states[count - 1].Position / Tile;
        for (var tile = FirstVisible(states[0].Position) / Tile; tile <= lastTile; tile++)
        {
            var block = blockTable[tile / layout.TilesPerBlock];
            var tileInBlock = tile % layout.TilesPerBlock;
            var keys = KvCodec.Read<TFloats>(layout, memory.Keys(layer, block, kvHead, tileInBlock), keys: true, keyScratch);
            var values = KvCodec.Read<TFloats>(layout, memory.Values(layer, block, kvHead, tileInBlock), keys: false, valueScratch);
            for (var q = 0; q < count; q++)
            {
                ref var state = ref states[q];
                var first = Math.Max(FirstVisible(state.Position) - tile * Tile, 0);
                var end = Math.Min(state.Position - tile * Tile + 1, Tile);
                if (first >= end)
                    continue;
                Scores<TFloats>(scaled + q * size, keys, size, weights);
                var rescale = Weigh<TFloats>(weights, first, end, ref state);
                Accumulate<TFloats>(weights, first, end, values, size, rescale, state.Output);
            }
        }

        for (var q = 0; q < count; q++)
        {
            var inverse = 1 / states[q].Sum;
            for (var d = 0; d < size; d++)
                states[q].Output[d] *= inverse;
        }
    }

    /// <summary>scores[j] = query · keys[:, j] for the 16 positions of a tile.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Scores<TFloats>(float* query, float* keys, int size, float* scores)
        where TFloats : struct, IFloats<TFloats>
    {
        for (var lane = 0; lane < Tile; lane += TFloats.Count)
        {
            // Four sums hide the latency of the multiply-add.
            TFloats s0 = TFloats.Broadcast(0), s1 = s0, s2 = s0, s3 = s0;
            var d = 0;
            for (; d <= size - 4; d += 4)
            {
                var key = keys + d * Tile + lane;
                s0 = TFloats.MultiplyAdd(TFloats.Broadcast(query[d]), TFloats.Load(key), s0);
                s1 = TFloats.MultiplyAdd(TFloats.Broadcast(query[d + 1]), TFloats.Load(key + Tile), s1);
                s2 = TFloats.MultiplyAdd(TFloats.Broadcast(query[d + 2]), TFloats.Load(key + 2 * Tile), s2);
                s3 = TFloats.MultiplyAdd(TFloats.Broadcast(query[d + 3]), TFloats.Load(key + 3 * Tile), s3);
            }
            for (; d < size; d++)
                s0 = TFloats.MultiplyAdd(TFloats.Broadcast(query[d]), TFloats.Load(keys + d * Tile + lane), s0);
            (s0 + s1 + (s2 + s3)).Store(scores + lane);
        }
    }

    /// <summary>
    /// Turns scores into weights e^(score - maximum), with the maximum of all tiles so far; positions outside the range get 0.
    /// </summary>
    /// <returns>What the sums so far are to be multiplied by, because the maximum grew.</returns>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static float Weigh<TFloats>(float* scores, int first, int end, ref QueryState state)
        where TFloats : struct, IFloats<TFloats>
    {
        for (var j = 0; j < first; j++)
            scores[j] = float.NegativeInfinity;
        for (var j = end; j < Tile; j++)
            scores[j] = float.NegativeInfinity;

        var maximum = MathF.Max(state.Maximum, Sixteen.Max<TFloats>(scores));
        var rescale = maximum == state.Maximum ? 1 : MathF.Exp(state.Maximum - maximum);
        var negated = TFloats.Broadcast(-maximum);
        var lanes = stackalloc float[Tile];
        for (var lane = 0; lane < Tile; lane += TFloats.Count)
        {
            var weights = TFloats.Exp(TFloats.Load(scores + lane) + negated);
            weights.Store(scores + lane);
            weights.Store(lanes + lane);
        }
        state.Sum = state.Sum * rescale + Sixteen.Sum<TFloats>(lanes);
        state.Maximum = maximum;
        return rescale;
    }

    /// <summary>output = output · rescale + Σ weights[j] · values[j, :] over the range.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Accumulate<TFloats>(float* weights, int first, int end, float* values, int size, float rescale, float* output)
        where TFloats : struct, IFloats<TFloats>
    {
        var rescales = TFloats.Broadcast(rescale);
        var d = 0;
        for (; d <= size - 4 * TFloats.Count; d += 4 * TFloats.Count)
        {
            var s0 = TFloats.Load(output + d) * rescales;
            var s1 = TFloats.Load(output + d + TFloats.Count) * rescales;
            var s2 = TFloats.Load(output + d + 2 * TFloats.Count) * rescales;
            var s3 = TFloats.Load(output + d + 3 * TFloats.Count) * rescales;
            for (var j = first; j < end; j++)
            {
                var weight = TFloats.Broadcast(weights[j]);
                var value = values + j * size + d;
                s0 = TFloats.MultiplyAdd(weight, TFloats.Load(value), s0);
                s1 = TFloats.MultiplyAdd(weight, TFloats.Load(value + TFloats.Count), s1);
                s2 = TFloats.MultiplyAdd(weight, TFloats.Load(value + 2 * TFloats.Count), s2);
                s3 = TFloats.MultiplyAdd(weight, TFloats.Load(value + 3 * TFloats.Count), s3);
            }
            s0.Store(output + d);
            s1.Store(output + d + TFloats.Count);
            s2.Store(output + d + 2 * TFloats.Count);
            s3.Store(output + d + 3 * TFloats.Count);
        }
        for (; d <= size - TFloats.Count; d += TFloats.Count)
        {
            var s = TFloats.Load(output + d) * rescales;
            for (var j = first; j < end; j++)
                s = TFloats.MultiplyAdd(TFloats.Broadcast(weights[j]), TFloats.Load(values + j * size + d), s);
            s.Store(output + d);
        }
        for (; d < size; d++)
        {
            var s = output[d] * rescale;
            for (var j = first; j < end; j++)
                s = float.MultiplyAddEstimate(weights[j], values[j * size + d], s);
            output[d] = s;
        }
    }

    public void RunScalar()
    {
        var layout = memory.Layout;
        var size = layout.HeadSize;
        var (slice, kvHead, firstQuery) = plan.TaskAt(task);
        var blockTable = slice.BlockTable.Span;
        for (var q = 0; q < CountOf(slice, firstQuery); q++)
        {
            var position = PositionOf(slice, firstQuery + q);
            var query = queries + ValueOf(slice, kvHead, firstQuery + q);
            var output = y + ValueOf(slice, kvHead, firstQuery + q);
            var (maximum, sum) = (float.NegativeInfinity, 0f);
            new Span<float>(output, size).Clear();
            for (var p = FirstVisible(position); p <= position; p++)
            {
                var (tile, lane) = (p / Tile, p % Tile);
                var block = blockTable[tile / layout.TilesPerBlock];
                var keys = memory.Keys(layer, block, kvHead, tile % layout.TilesPerBlock);
                var values = memory.Values(layer, block, kvHead, tile % layout.TilesPerBlock);

                var score = 0f;
                for (var d = 0; d < size; d++)
                    score += query[d] * scale * KvCodec.ReadOne(layout, keys, keys: true, d * Tile + lane);
                var newMaximum = MathF.Max(maximum, score);
                var rescale = MathF.Exp(maximum - newMaximum);
                var weight = MathF.Exp(score - newMaximum);
                for (var d = 0; d < size; d++)
                    output[d] = output[d] * rescale + weight * KvCodec.ReadOne(layout, values, keys: false, lane * size + d);
                sum = sum * rescale + weight;
                maximum = newMaximum;
            }
            for (var d = 0; d < size; d++)
                output[d] /= sum;
        }
    }

    private int CountOf(in AttentionSlice slice, int firstQuery) =>
        Math.Min(AttentionPlan.TaskQueries, slice.RowCount * plan.GroupSize - firstQuery);

    // Queries of a task are ordered by row, then by head of the group.
    private int PositionOf(in AttentionSlice slice, int query) => slice.FirstPosition + query / plan.GroupSize;

    private int FirstVisible(int position) => window == 0 ? 0 : Math.Max(position - window + 1, 0);

    private long ValueOf(in AttentionSlice slice, int kvHead, int query)
    {
        var row = slice.FirstRow + query / plan.GroupSize;
        var head = kvHead * plan.GroupSize + query % plan.GroupSize;
        return ((long)row * plan.Heads + head) * memory.Layout.HeadSize;
    }

    /// <summary>A query between two tiles.</summary>
    private struct QueryState(int position, float* output)
    {
        public readonly int Position = position;

        /// <summary>Weighted sum of the values so far.</summary>
        public readonly float* Output = output;

        /// <summary>Largest score so far.</summary>
        public float Maximum = float.NegativeInfinity;

        /// <summary>Sum of the weights so far.</summary>
        public float Sum = 0;
    }
}
