using Formation.Inference.Kernels.Attention;
using Formation.Inference.Kernels.Dispatch;
using Formation.Inference.Kernels.Tests.Formats;
using Formation.Inference.Kernels.Threading;

namespace Formation.Inference.Kernels.Tests.Attention;

public sealed class PagedAttentionTests : IDisposable
{
    private const float Scale = 0.2f;

    private readonly WorkerTeam _team = new(3);

    /// <param name="Heads">Query heads.</param>
    /// <param name="KvHeads">KV heads.</param>
    /// <param name="HeadSize">Values of a head.</param>
    /// <param name="Window">Positions seen, 0 for all.</param>
    /// <param name="BlockSize">Positions of a block.</param>
    public sealed record Shape(int Heads, int KvHeads, int HeadSize, int Window, int BlockSize);

    // Grouped, one head each, one KV head for many, sizes that leave a rest in every vector, windows that begin inside a tile and before
    // it.
    private static readonly Shape[] Shapes =
    [
        new(4, 2, 64, 0, 16), new(3, 3, 80, 0, 32), new(40, 1, 16, 0, 16), new(2, 1, 6, 0, 16), new(4, 2, 64, 5, 16), new(4, 4, 36, 33, 48),
        new(2, 2, 256, 0, 16),
    ];

    public static TheoryData<KernelPath, int> PathsAndShapes()
    {
        var data = new TheoryData<KernelPath, int>();
        foreach (var path in KernelPaths.Available)
        {
            for (var shape = 0; shape < Shapes.Length; shape++)
                data.Add(path, shape);
        }
        return data;
    }

    [Theory]
    [MemberData(nameof(PathsAndShapes))]
    public void Attention_is_that_of_double_precision(KernelPath path, int shape)
    {
        using var run = new Run(Shapes[shape], KvFormat.F32, positions: 70);

        var y = run.Attend(_team, path, firstPosition: 0, count: 70);

        for (var position = 0; position < 70; position++)
            run.AssertExact(position, y.AsSpan(position * run.Width, run.Width), tolerance: 5e-6);
    }

    [Theory]
    [MemberData(nameof(PathsAndShapes))]
    public void A_query_has_the_same_bits_alone_and_among_others(KernelPath path, int shape)
    {
        using var run = new Run(Shapes[shape], KvFormat.F16, positions: 70);
        var together = run.Attend(_team, path, firstPosition: 3, count: 67);
        for (var position = 3; position < 70; position += 11)
        {
            var alone = run.Attend(_team, path, position, count: 1);
            Assert.Equal(together[((position - 3) * run.Width)..((position - 2) * run.Width)], alone);
        }
    }

    [Theory]
    [MemberData(nameof(PathsAndShapes))]
    public void Every_vector_width_gives_the_same_bits(KernelPath path, int shape)
    {
        // The scalar twin's exponential is another function: it is held to double precision above.
        if (path == KernelPath.Scalar || !KernelPaths.Available.Contains(KernelPath.Vector128))
            return;
        using var run = new Run(Shapes[shape], KvFormat.F16, positions: 40);

        Assert.Equal(run.Attend(_team, KernelPath.Vector128, 0, 40), run.Attend(_team, path, 0, 40));
    }

    [Theory]
    [InlineData(KvFormat.F16, 2e-3)]
    [InlineData(KvFormat.Q8_0, 4e-2)]
    public void Stored_formats_stay_within_their_rounding(KvFormat format, double tolerance)
    {
        foreach (var path in KernelPaths.Available)
        {
            using var run = new Run(Shapes[0], format, positions: 40);
            var y = run.Attend(_team, path, 0, 40);
            for (var position = 0; position < 40; position++)
                run.AssertExact(position, y.AsSpan(position * run.Width, run.Width), tolerance);
        }
    }

    [Fact]
    public void Scores_far_apart_and_huge_do_not_overflow()
    {
        foreach (var path in KernelPaths.Available)
        {
            using var run = new Run(Shapes[0], KvFormat.F32, positions: 40, keyScale: 3e4f);
            var y = run.Attend(_team, path, 0, 40);
            Assert.All(y, value => Assert.True(float.IsFinite(value)));
        }
    }

    [Fact]
    public void Values_past_half_precision_are_stored_as_its_largest()
    {
        using var memory = new KvMemory(new KvLayout(1, 16, 16, KvFormat.F16), layers: 1, blocks: 1);
        memory.Store(0, 0, 0, Enumerable.Repeat(1f, 16).ToArray(), Enumerable.Repeat(1e9f, 16).ToArray());
        var plan = new AttentionPlan(1, memory.Layout, memory.Blocks);
        plan.Add(new AttentionSlice(0, 1, 0, new[] { 0 }));
        var y = new float[16];

        PagedAttention.Run(memory, 0, plan, Scale, 0, new float[16], y, _team);

        Assert.All(y, value => Assert.Equal(65504f, value));
    }

    [Fact]
    public void Queries_of_another_length_than_the_plans_are_refused()
    {
        using var run = new Run(Shapes[0], KvFormat.F16, positions: 4);

        Assert.Throws<ArgumentException>(() => run.Attend(_team, KernelPath.Scalar, 0, 4, missing: 1));
    }

    public void Dispose() => _team.Dispose();

    /// <summary>One sequence's keys and values, stored in scattered blocks, and what attention over them is.</summary>
    private sealed class Run : IDisposable
    {
        private readonly Shape _shape;
        private readonly KvMemory _memory;
        private readonly float[] _keys;
        private readonly float[] _values;
        private readonly float[] _queries;
        private readonly int[] _blockTable;

        public Run(Shape shape, KvFormat format, int positions, float keyScale = 1)
        {
            _shape = shape;
            var layout = new KvLayout(shape.KvHeads, shape.HeadSize, shape.BlockSize, format);
            var blocks = (positions + shape.BlockSize - 1) / shape.BlockSize;
            _memory = new KvMemory(layout, layers: 2, blocks: blocks + 3);
            _blockTable = [.. Enumerable.Range(0, blocks).Select(block => (block * 5 + 2) % (blocks + 3)).Distinct()];
            if (_blockTable.Length < blocks)
                _blockTable = [.. Enumerable.Range(0, blocks).Reverse()];
            _keys = RandomRows.Values(positions * layout.Width, 1, keyScale);
            _values = RandomRows.Values(positions * layout.Width, 2);
            _queries = RandomRows.Values(positions * Width, 3);
            for (var position = 0; position < positions; position++)
            {
                _memory.Store(
                    1, _blockTable[position / shape.BlockSize], position % shape.BlockSize,
                    _keys.AsSpan(position * layout.Width, layout.Width), _values.AsSpan(position * layout.Width, layout.Width));
            }
        }

        public int Width => _shape.Heads * _shape.HeadSize;

        public float[] Attend(WorkerTeam team, KernelPath path, int firstPosition, int count, int missing = 0)
        {
            var plan = new AttentionPlan(_shape.Heads, _memory.Layout, _memory.Blocks);
            plan.Add(new AttentionSlice(0, count, firstPosition, _blockTable));
            var y = new float[count * Width - missing];
            PagedAttention.Run(
                _memory, 1, plan, Scale, _shape.Window, _queries.AsSpan(firstPosition * Width, count * Width - missing), y, team, path);
            return y;
        }

        public void AssertExact(int position, ReadOnlySpan<float> actual, double tolerance)
        {
            var size = _shape.HeadSize;
            var kvWidth = _shape.KvHeads * size;
            var first = _shape.Window == 0 ? 0 : Math.Max(0, position - _shape.Window + 1);
            for (var head = 0; head < _shape.Heads; head++)
            {
                var kvHead = head / (_shape.Heads / _shape.KvHeads);
                var weights = new double[position + 1];
                for (var p = first; p <= position; p++)
                {
                    var score = 0.0;
                    for (var d = 0; d < size; d++)
                        score += (double)_queries[position * Width + head * size + d] * _keys[p * kvWidth + kvHead * size + d];
                    weights[p] = Math.Exp(score * Scale);
                }
                var sum = weights.Sum();
                for (var d = 0; d < size; d++)
                {
                    var expected = 0.0;
                    for (var p = first; p <= position; p++)
                        expected += weights[p] / sum * _values[p * kvWidth + kvHead * size + d];
                    Assert.InRange(actual[head * size + d], expected - tolerance, expected + tolerance);
                }
            }
        }

        public void Dispose() => _memory.Dispose();
    }
}
