using Formation.Inference.Engine.Stages;
using Formation.Inference.Node.Stages;
using Formation.Inference.Node.Stages.Serving;
using Formation.Inference.Node.Stages.Wire;

namespace Formation.Inference.Node.Tests.Stages;

public sealed class BoundaryReplayTests
{
    static readonly StageShape Shape = new()
    {
        DeploymentId = "replay",
        ModelDigest = new string('0', 64),
        HiddenSize = 4,
        MaxRows = 10,
        BlockCount = 12,
        BlockSize = 16,
    };

    [Fact]
    public void Positions_are_ascending_prompts_are_prefill_and_batches_are_no_larger_than_agreed()
    {
        var batches = Plan(new StoredSequence(7, PromptLength: 18, Length: 25, new[] { 3, 5 }));

        Assert.Equal(
            ["7 Prefill 0+10", "7 Prefill 10+8|7 Decode 18+2", "7 Decode 20+5"],
            batches.Select(batch => string.Join("|", batch.Select(Describe))));
        Assert.All(batches, batch => Assert.InRange(batch.Sum(slice => slice.RowCount), 1, Shape.MaxRows));
    }

    [Fact]
    public void A_block_in_common_is_sent_once_and_may_be_all_that_there_is()
    {
        var slices = Plan(
            new StoredSequence(1, 20, 20, new[] { 0, 1 }),
            new StoredSequence(2, 16, 18, new[] { 0, 2 }),
            new StoredSequence(3, 16, 16, new[] { 0 }),
            new StoredSequence(4, 0, 0, Array.Empty<int>())).SelectMany(batch => batch).ToList();

        Assert.Equal(20, slices.Where(slice => slice.SequenceId == 1).Sum(slice => slice.RowCount));
        Assert.Equal(["2 Decode 16+2"], slices.Where(slice => slice.SequenceId == 2).Select(Describe));
        Assert.DoesNotContain(slices, slice => slice.SequenceId > 2);
    }

    [Fact]
    public void Every_row_comes_back_in_the_bytes_in_which_it_was_kept()
    {
        foreach (var precision in (ActivationPrecision[])[ActivationPrecision.F32, ActivationPrecision.BF16, ActivationPrecision.Q8])
        {
            var store = new BoundaryStore(Shape, precision);
            var bytes = RowCodec.RowBytes(precision, Shape.HiddenSize);
            byte[] rows = [.. Enumerable.Range(0, 3 * bytes).Select(i => (byte)(i * 7 + 1))];
            store.Write([new BatchSlice(1, SliceKind.Decode, 0, 3, 15, new[] { 9, 4 })], rows);

            var read = new byte[bytes];
            for (var row = 0; row < 3; row++)
            {
                Assert.True(store.TryRead([9, 4], 15 + row, read));
                Assert.Equal(rows[(row * bytes)..((row + 1) * bytes)], read);
            }
            Assert.False(store.TryRead([9, 4], 14, read));
            Assert.False(store.TryRead([8], 0, read));
        }
    }

    [Fact]
    public void A_position_that_was_never_sent_ends_the_replay()
    {
        var sent = 0;

        var rows = BoundaryReplay.Run(
            Shape, new BoundaryStore(Shape, ActivationPrecision.F32), [new StoredSequence(1, 5, 5, new[] { 0 })], 1, new FrameBuffer(), _ => sent++ == 0);

        Assert.Null(rows);
        Assert.Equal(0, sent);
    }

    static List<IReadOnlyList<BatchSlice>> Plan(params StoredSequence[] sequences) =>
        [.. BoundaryReplay.Plan(Shape, sequences).Select(batch => batch.Slices)];

    static string Describe(BatchSlice slice) => $"{slice.SequenceId} {slice.Kind} {slice.FirstPosition}+{slice.RowCount}";
}
