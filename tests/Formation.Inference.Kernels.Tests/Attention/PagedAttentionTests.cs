using Formation.Inference.Kernels.Attention;
using Formation.Inference.Kernels.Dispatch;
using Formation.Inference.Kernels.Tests.Formats;
using Formation.Inference.Kernels.Threading;

namespace Formation.Inference.Kernels.Tests.Attention;

public sealed class PagedAttentionTests : IDisposable
{
    private readonly WorkerTeam _team = new(3);

    // Head sizes that fill vectors of every width, leave a rest in them, and are smaller than one; groups of 1 to 8 heads and of many; windows
    // that begin inside a tile, inside a block, and before it.
    private static readonly AttentionShape[] Shapes =
    [
        new(4, 2, 64), new(4, 4, 32), new(8, 2, 80), new(8, 1, 96), new(4, 1, 128), new(2, 2, 256), new(40, 1, 16), new(2, 1, 6), new(6, 2, 36),
        new(3, 1, 64, Window: 5), new(4, 4, 36, Window: 33), new(8, 2, 64, Window: 100), new(5, 1, 72, BlockSize: 48),
    ];

    public static TheoryData<KvFormat, int> FormatsAndShapes()
    {
        var data = new TheoryData<KvFormat, int>();
        foreach (var format in Enum.GetValues<KvFormat>())
        {
            for (var shape = 0; shape < Shapes.Length; shape++)
            {
                if (format != KvFormat.Q8_0 || Shapes[shape].HeadSize % KvLayout.ScaledValues == 0)
                    data.Add(format, shape);
            }
        }
        return data;
    }

    // The kernels' errors: against double precision over the numbers as they are stored.
    private static double KernelError(KvFormat format) => format == KvFormat.Q8_0 ? 2e-4 : 3e-6;

    // The formats' errors: against double precision over the numbers as they were given.
    private static double FormatError(KvFormat format) => format switch
    {
        KvFormat.F16 => 2e-3,
        KvFormat.Q8_0 => 3e-2,
        _ => 3e-6,
    };

    [Theory]
    [MemberData(nameof(FormatsAndShapes))]
    public void The_error_against_double_precision_is_within_the_table(KvFormat format, int shape)
    {
        using var sequence = new AttentionSequence(Shapes[shape], format, positions: 150);

        var y = sequence.Attend(_team, KernelPaths.Current, firstPosition: 0, count: 150);

        for (var position = 0; position < 150; position++)
        {
            var row = y.AsSpan(position * sequence.Width, sequence.Width);
            Assert.InRange(sequence.ErrorOf(position, row, asStored: true), 0, KernelError(format));
            Assert.InRange(sequence.ErrorOf(position, row, asStored: false), 0, FormatError(format));
        }
    }

    [Theory]
    [InlineData(KvFormat.F16)]
    [InlineData(KvFormat.Q8_0)]
    public void The_error_does_not_grow_with_the_context(KvFormat format)
    {
        const int Positions = 3000;
        using var sequence = new AttentionSequence(new AttentionShape(4, 1, 64), format, Positions);

        var y = sequence.Attend(_team, KernelPaths.Current, Positions - 1, count: 1);

        Assert.InRange(sequence.ErrorOf(Positions - 1, y, asStored: true), 0, KernelError(format));
    }

    [Theory]
    [MemberData(nameof(FormatsAndShapes))]
    public void Every_path_gives_the_bits_of_the_scalar_twin(KvFormat format, int shape)
    {
        using var sequence = new AttentionSequence(Shapes[shape], format, positions: 150);
        var expected = sequence.Attend(_team, KernelPath.Scalar, firstPosition: 0, count: 150);

        foreach (var path in KernelPaths.Available)
            Assert.Equal(expected, sequence.Attend(_team, path, 0, 150));
    }

    [Theory]
    [MemberData(nameof(FormatsAndShapes))]
    public void A_query_has_the_same_bits_alone_and_among_others(KvFormat format, int shape)
    {
        using var sequence = new AttentionSequence(Shapes[shape], format, positions: 150);
        foreach (var path in KernelPaths.Available)
        {
            var together = sequence.Attend(_team, path, firstPosition: 3, count: 147);
            for (var position = 3; position < 150; position += 11)
                Assert.Equal(sequence.Row(together, position - 3), sequence.Attend(_team, path, position, count: 1));
        }
    }

    [Theory]
    [InlineData(KvFormat.F16, 0)]
    [InlineData(KvFormat.Q8_0, 0)]
    [InlineData(KvFormat.F16, 700)]
    public void A_long_prompt_has_the_same_bits_in_any_chunks(KvFormat format, int window)
    {
        const int Positions = 1100;
        using var sequence = new AttentionSequence(new AttentionShape(4, 2, 32, window), format, Positions);
        var whole = sequence.Attend(_team, KernelPaths.Current, 0, Positions);

        foreach (var chunk in new[] { 512, 100, 33 })
        {
            for (var first = 0; first < Positions; first += chunk)
            {
                var count = Math.Min(chunk, Positions - first);
                Assert.Equal(
                    whole[(first * sequence.Width)..((first + count) * sequence.Width)],
                    sequence.Attend(_team, KernelPaths.Current, first, count));
            }
        }
    }

    [Theory]
    [InlineData(KvFormat.F16, 1, 0)]
    [InlineData(KvFormat.Q8_0, 1, 0)]
    [InlineData(KvFormat.F16, 6, 0)]
    [InlineData(KvFormat.F16, 1, 1500)]
    public void The_number_of_threads_does_not_show_in_the_result(KvFormat format, int rows, int window)
    {
        const int Positions = 2600;
        using var sequence = new AttentionSequence(new AttentionShape(4, 2, 64, window), format, Positions);
        using var alone = new WorkerTeam(1);
        using var many = new WorkerTeam(9);
        Assert.Equal(0, sequence.Plan(Positions - rows, rows).Schedule(alone.Threads, window).Folds.Length);
        Assert.Equal(1, sequence.Plan(Positions - rows, rows).Schedule(many.Threads, window).Folds.Length);

        foreach (var path in KernelPaths.Available)
        {
            Assert.Equal(
                sequence.Attend(alone, path, Positions - rows, rows),
                sequence.Attend(many, path, Positions - rows, rows));
        }
    }

    [Fact]
    public void The_place_of_the_blocks_does_not_show_in_the_result()
    {
        using var scattered = new AttentionSequence(new AttentionShape(4, 2, 64), KvFormat.F16, positions: 600);
        using var large = new AttentionSequence(new AttentionShape(4, 2, 64, BlockSize: 144), KvFormat.F16, positions: 600);

        Assert.Equal(scattered.Attend(_team, KernelPaths.Current, 0, 600), large.Attend(_team, KernelPaths.Current, 0, 600));
    }

    [Theory]
    [InlineData(KvFormat.F16)]
    [InlineData(KvFormat.Q8_0)]
    [InlineData(KvFormat.F32)]
    public void What_a_block_held_before_does_not_show_in_the_result(KvFormat format)
    {
        using var clean = new AttentionSequence(Shapes[0], format, positions: 70);
        using var used = new AttentionSequence(Shapes[0], format, positions: 70, before: float.MaxValue);

        foreach (var path in KernelPaths.Available)
            Assert.Equal(clean.Attend(_team, path, 0, 70), used.Attend(_team, path, 0, 70));
    }

    [Fact]
    public void Slices_of_one_step_are_each_as_if_they_were_alone()
    {
        using var sequence = new AttentionSequence(Shapes[0], KvFormat.F16, positions: 150);
        (int Position, int Rows)[] slices = [(149, 1), (20, 60), (0, 1), (100, 7)];

        var together = sequence.Attend(_team, KernelPaths.Current, slices);

        var alone = slices.SelectMany(slice => sequence.Attend(_team, KernelPaths.Current, slice.Position, slice.Rows));
        Assert.Equal(alone, together);
    }

    [Fact]
    public void Scores_far_apart_and_huge_do_not_overflow()
    {
        foreach (var path in KernelPaths.Available)
        {
            using var sequence = new AttentionSequence(Shapes[0], KvFormat.F32, positions: 40, keyScale: 3e4f);
            Assert.All(sequence.Attend(_team, path, 0, 40), value => Assert.True(float.IsFinite(value)));
        }
    }

    [Fact]
    public void A_weight_among_thousands_of_small_ones_keeps_them_in_8_bits()
    {
        // One position that most of the weight goes to, as the first one in many models, and many that share the rest.
        const int Positions = 2000;
        using var sequence = new AttentionSequence(
            new AttentionShape(1, 1, 32), KvFormat.Q8_0, Positions, keyScale: 0.01f, firstKeyScale: 150);

        var y = sequence.Attend(_team, KernelPaths.Current, Positions - 1, 1);

        Assert.InRange(sequence.ErrorOf(Positions - 1, y, asStored: true), 0, KernelError(KvFormat.Q8_0));
    }

    [Fact]
    public void Values_past_half_precision_are_stored_as_its_largest()
    {
        using var memory = new KvMemory(new KvLayout(1, 16, 16, KvFormat.F16), layers: 1, blocks: 1);
        memory.Store(0, 0, 0, Enumerable.Repeat(1f, 16).ToArray(), Enumerable.Repeat(1e9f, 16).ToArray());
        var plan = new AttentionPlan(1, memory.Layout, memory.Blocks);
        plan.Add(new AttentionSlice(0, 1, 0, new[] { 0 }));
        var y = new float[16];

        PagedAttention.Run(memory, 0, plan, 1, 0, new float[16], y, _team);

        Assert.All(y, value => Assert.Equal(65504f, value));
    }

    [Fact]
    public void A_step_allocates_nothing_once_the_first_is_done()
    {
        using var team = new WorkerTeam(1);
        using var sequence = new AttentionSequence(new AttentionShape(4, 1, 64), KvFormat.F16, positions: 2600);
        var plan = sequence.Plan(2599, 1);
        var y = new float[sequence.Width];
        sequence.Attend(team, plan, y);

        var before = GC.GetAllocatedBytesForCurrentThread();
        plan.Clear();
        plan.Add(sequence.Slice(2598, 1));
        sequence.Attend(team, plan, y);

        Assert.Equal(before, GC.GetAllocatedBytesForCurrentThread());
    }

    [Fact]
    public void Queries_of_another_length_than_the_plans_are_refused()
    {
        using var sequence = new AttentionSequence(Shapes[0], KvFormat.F16, positions: 4);

        Assert.Throws<ArgumentException>(() => sequence.Attend(_team, sequence.Plan(0, 4), new float[4 * sequence.Width - 1]));
    }

    [Fact]
    public void A_plan_for_another_memory_is_refused()
    {
        using var sequence = new AttentionSequence(Shapes[0], KvFormat.F16, positions: 4);
        var plan = new AttentionPlan(4, new KvLayout(2, 64, 32, KvFormat.F16), blocks: 1);

        Assert.Throws<ArgumentException>(() => sequence.Attend(_team, plan, []));
    }

    public void Dispose() => _team.Dispose();
}
