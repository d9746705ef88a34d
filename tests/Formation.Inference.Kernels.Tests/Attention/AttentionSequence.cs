using Formation.Inference.Kernels.Attention;
using Formation.Inference.Kernels.Dispatch;
using Formation.Inference.Kernels.Tests.Formats;
using Formation.Inference.Kernels.Threading;

namespace Formation.Inference.Kernels.Tests.Attention;

/// <param name="Heads">Query heads.</param>
/// <param name="KvHeads">KV heads.</param>
/// <param name="HeadSize">Values of a head.</param>
/// <param name="Window">Positions seen, 0 for all.</param>
/// <param name="BlockSize">Positions of a block.</param>
internal sealed record AttentionShape(int Heads, int KvHeads, int HeadSize, int Window = 0, int BlockSize = 16);

/// <summary>One sequence's keys and values, stored in scattered blocks, and what attention over them is.</summary>
internal sealed class AttentionSequence : IDisposable
{
    private const int Layer = 1;

    private readonly AttentionShape _shape;
    private readonly KvMemory _memory;
    private readonly float[] _keys;
    private readonly float[] _values;
    private readonly float[] _queries;
    private readonly int[] _blockTable;
    private readonly float _scale;

    /// <param name="shape">The shape of the attention.</param>
    /// <param name="format">How keys and values are stored.</param>
    /// <param name="positions">Length of the sequence.</param>
    /// <param name="keyScale">Standard deviation of the keys.</param>
    /// <param name="firstKeyScale">The first position's keys are this number times larger.</param>
    /// <param name="before">What all slots held before the sequence came.</param>
    public AttentionSequence(
        AttentionShape shape, KvFormat format, int positions, float keyScale = 1, float firstKeyScale = 1, float? before = null)
    {
        _shape = shape;
        _scale = 1 / MathF.Sqrt(shape.HeadSize);
        var layout = new KvLayout(shape.KvHeads, shape.HeadSize, shape.BlockSize, format);
        var blocks = (positions + shape.BlockSize - 1) / shape.BlockSize;
        _memory = new KvMemory(layout, layers: 2, blocks: blocks + 3);
        _blockTable = [.. Enumerable.Range(0, blocks)];
        new Random(7).Shuffle(_blockTable);
        _keys = RandomRows.Values(positions * layout.Width, 1, keyScale);
        for (var i = 0; i < layout.Width; i++)
            _keys[i] *= firstKeyScale;
        _values = RandomRows.Values(positions * layout.Width, 2);
        _queries = RandomRows.Values(positions * Width, 3);
        if (before is { } value)
        {
            var row = Enumerable.Repeat(value, layout.Width).ToArray();
            for (var slot = 0; slot < (blocks + 3) * shape.BlockSize; slot++)
                _memory.Store(Layer, slot / shape.BlockSize, slot % shape.BlockSize, row, row);
        }
        for (var position = 0; position < positions; position++)
        {
            _memory.Store(
                Layer, _blockTable[position / shape.BlockSize], position % shape.BlockSize,
                _keys.AsSpan(position * layout.Width, layout.Width), _values.AsSpan(position * layout.Width, layout.Width));
        }
    }

    /// <summary>Values of a row of queries.</summary>
    public int Width => _shape.Heads * _shape.HeadSize;

    public float[] Attend(WorkerTeam team, KernelPath path, int firstPosition, int count) =>
        Attend(team, path, (firstPosition, count));

    public float[] Attend(WorkerTeam team, KernelPath path, params (int Position, int Rows)[] slices)
    {
        var plan = new AttentionPlan(_shape.Heads, _memory.Layout, _memory.Blocks);
        var queries = new List<float>();
        foreach (var (position, rows) in slices)
        {
            plan.Add(new AttentionSlice(plan.RowCount, rows, position, _blockTable));
            queries.AddRange(_queries.AsSpan(position * Width, rows * Width));
        }
        var y = new float[queries.Count];
        PagedAttention.Run(_memory, Layer, plan, _scale, _shape.Window, queries.ToArray(), y, team, path);
        return y;
    }

    /// <summary>Attention of a plan's rows with the queries of the sequence's last positions.</summary>
    public void Attend(WorkerTeam team, AttentionPlan plan, Span<float> y) =>
        PagedAttention.Run(_memory, Layer, plan, _scale, _shape.Window, _queries.AsSpan(^y.Length..), y, team, KernelPaths.Current);

    public AttentionPlan Plan(int firstPosition, int count)
    {
        var plan = new AttentionPlan(_shape.Heads, _memory.Layout, _memory.Blocks);
        plan.Add(Slice(firstPosition, count));
        return plan;
    }

    public AttentionSlice Slice(int firstPosition, int count) => new(0, count, firstPosition, _blockTable);

    public float[] Row(float[] y, int row) => y[(row * Width)..((row + 1) * Width)];

    /// <summary>The largest difference between a row and attention in double precision.</summary>
    /// <param name="position">The row's position.</param>
    /// <param name="actual">The row.</param>
    /// <param name="asStored">Whether over the numbers as they are stored, or as they were given.</param>
    public double ErrorOf(int position, ReadOnlySpan<float> actual, bool asStored)
    {
        var (size, first) = (_shape.HeadSize, _shape.Window == 0 ? 0 : Math.Max(0, position - _shape.Window + 1));
        var error = 0.0;
        for (var head = 0; head < _shape.Heads; head++)
        {
            var kvHead = head / (_shape.Heads / _shape.KvHeads);
            var scores = new double[position + 1];
            for (var p = first; p <= position; p++)
            {
                for (var d = 0; d < size; d++)
                    scores[p] += (double)_queries[position * Width + head * size + d] * Number(p, kvHead, d, isKey: true, asStored);
                scores[p] *= _scale;
            }
            var maximum = scores[first..].Max();
            var weights = scores.Select((score, p) => p < first ? 0 : Math.Exp(score - maximum)).ToArray();
            var sum = weights.Sum();
            for (var d = 0; d < size; d++)
            {
                var expected = 0.0;
                for (var p = first; p <= position; p++)
                    expected += weights[p] / sum * Number(p, kvHead, d, isKey: false, asStored);
                error = Math.Max(error, Math.Abs(actual[head * size + d] - expected));
            }
        }
        return error;
    }

    public void Dispose() => _memory.Dispose();

    private unsafe float Number(int position, int kvHead, int dimension, bool isKey, bool asStored)
    {
        var layout = _memory.Layout;
        if (!asStored)
            return (isKey ? _keys : _values)[position * layout.Width + kvHead * layout.HeadSize + dimension];
        var slot = position % _shape.BlockSize;
        var (block, tile, lane) = (_blockTable[position / _shape.BlockSize], slot / KvLayout.TilePositions, slot % KvLayout.TilePositions);
        return isKey
            ? KvCodec.Read(layout, _memory.Keys(Layer, block, kvHead, tile), layout.KeyIndex(dimension, lane), dimension, lane)
            : KvCodec.Read(layout, _memory.Values(Layer, block, kvHead, tile), layout.ValueIndex(lane, dimension), dimension, lane);
    }
}
