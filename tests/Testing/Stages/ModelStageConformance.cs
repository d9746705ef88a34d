using Formation.Inference.Engine.Stages;
using Xunit;

namespace Formation.Inference.Testing.Stages;

/// <summary>
/// What every <see cref="IModelStage"/> promises, whatever computes it: the determinism that the engine's scheduling rests on.
/// </summary>
public abstract class ModelStageConformance : IDisposable
{
    /// <summary>Blocks of each stage's KV cache.</summary>
    protected const int BlockCount = 32;

    /// <summary>Positions of a block.</summary>
    protected const int BlockSize = 16;

    /// <summary>Rows of the largest batch.</summary>
    protected const int MaxRows = 64;

    private readonly List<IModelStage> _stages = [];

    /// <summary>Width of the stage's activations.</summary>
    protected abstract int Width { get; }

    /// <summary>A new stage with at least two layers, the same weights each time, and an unused KV cache.</summary>
    protected abstract IModelStage CreateStage();

    [Fact]
    public async Task A_row_has_the_same_bits_alone_and_among_others()
    {
        var (a, b, c) = (Sequence(1, 0, 1, 2), Sequence(2, 3, 4, 5), Sequence(3, 6, 7, 8));
        var alone = NewDriver();
        var aloneA = await alone.PrefillAsync(a, 20);
        var aloneB = await alone.PrefillAsync(b, 33);

        var together = await NewDriver().StepAsync(
            CancellationToken.None, new StagePart(c, 0, 5), new StagePart(a, 0, 20), new StagePart(b, 0, 33));

        AssertSameBits(aloneA, together[1]);
        AssertSameBits(aloneB, together[2]);
    }

    [Theory]
    [InlineData(1)]
    [InlineData(7)]
    [InlineData(16)]
    [InlineData(39)]
    public async Task A_prompt_gives_the_same_bits_however_it_is_cut(int firstChunk)
    {
        var sequence = Sequence(1, 0, 1, 2);
        var whole = await NewDriver().PrefillAsync(sequence, 40);

        var cut = await NewDriver().PrefillAsync(sequence, firstChunk, 40 - firstChunk);

        AssertSameBits(whole, cut);
    }

    [Fact]
    public async Task Generated_positions_give_the_same_bits_when_they_are_rebuilt_at_once()
    {
        var sequence = Sequence(1, 0, 1, 2);
        var first = NewDriver();
        await first.PrefillAsync(sequence, 10);
        var generated = new List<float[]>();
        for (var position = 10; position < 20; position++)
            generated.AddRange((await first.StepAsync(CancellationToken.None, new StagePart(sequence, position, 1, SliceKind.Decode)))[0]);

        var second = NewDriver();
        var rebuilt = await second.StepAsync(
            CancellationToken.None, new StagePart(sequence, 0, 10), new StagePart(sequence, 10, 10, SliceKind.Decode));

        AssertSameBits([.. generated], rebuilt[1]);
    }

    [Fact]
    public async Task The_place_of_the_blocks_does_not_matter()
    {
        var inOrder = await NewDriver().PrefillAsync(Sequence(1, 0, 1, 2), 40);

        var scattered = await NewDriver().PrefillAsync(Sequence(1, 30, 4, 17), 40);

        AssertSameBits(inOrder, scattered);
    }

    [Fact]
    public async Task A_block_can_be_shared_by_sequences_with_the_same_beginning()
    {
        var (first, second) = (Sequence(1, 0, 1), Sequence(1, 0, 2) with { Id = 2 });
        var driver = NewDriver();
        await driver.PrefillAsync(first, 20);

        var continued = await driver.StepAsync(CancellationToken.None, new StagePart(second, BlockSize, 4));

        AssertSameBits((await NewDriver().PrefillAsync(first, 20))[BlockSize..], continued[0]);
    }

    [Fact]
    public async Task What_a_block_held_before_does_not_matter()
    {
        var driver = NewDriver();
        await driver.PrefillAsync(Sequence(7, 0, 1, 2), 48);

        var reused = await driver.PrefillAsync(Sequence(1, 2, 0, 1), 21, 12);

        AssertSameBits(await NewDriver().PrefillAsync(Sequence(1, 0, 1, 2), 33), reused);
    }

    [Fact]
    public async Task A_cancelled_call_throws_and_leaves_other_sequences_as_they_were()
    {
        var (kept, cancelled) = (Sequence(1, 0, 1), Sequence(2, 2, 3));
        var driver = NewDriver();
        await driver.PrefillAsync(kept, 10);
        using var source = new CancellationTokenSource();
        source.Cancel();

        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => driver.StepAsync(source.Token, new StagePart(cancelled, 0, 20)));
        var next = await driver.StepAsync(CancellationToken.None, new StagePart(kept, 10, 1, SliceKind.Decode));

        var undisturbed = NewDriver();
        await undisturbed.PrefillAsync(kept, 10);
        AssertSameBits((await undisturbed.StepAsync(CancellationToken.None, new StagePart(kept, 10, 1, SliceKind.Decode)))[0], next[0]);
    }

    [Fact]
    public async Task A_block_table_that_is_too_short_is_refused() =>
        await Assert.ThrowsAnyAsync<ArgumentException>(() => NewDriver().PrefillAsync(Sequence(1, 0), BlockSize + 1));

    [Theory]
    [InlineData(-1)]
    [InlineData(BlockCount)]
    public async Task A_block_that_does_not_exist_is_refused(int block) =>
        await Assert.ThrowsAnyAsync<ArgumentException>(() => NewDriver().PrefillAsync(Sequence(1, block), 1));

    [Fact]
    public async Task A_negative_position_is_refused() => await Assert.ThrowsAnyAsync<ArgumentException>(
        () => NewDriver().StepAsync(CancellationToken.None, new StagePart(Sequence(1, 0), -1, 1)));

    public void Dispose()
    {
        Dispose(disposing: true);
        GC.SuppressFinalize(this);
    }

    /// <summary>Disposes of what the derived class made; the stages go first.</summary>
    protected virtual void Dispose(bool disposing) => _stages.ForEach(stage => stage.Dispose());

    private StageDriver NewDriver()
    {
        var stage = CreateStage();
        _stages.Add(stage);
        return new StageDriver(stage, Width, MaxRows);
    }

    private static StageSequence Sequence(ulong seed, params int[] blocks) => new((long)seed, seed, blocks);

    private static void AssertSameBits(float[][] expected, float[][] actual)
    {
        Assert.Equal(expected.Length, actual.Length);
        for (var row = 0; row < expected.Length; row++)
            Assert.Equal(expected[row].Select(BitConverter.SingleToInt32Bits), actual[row].Select(BitConverter.SingleToInt32Bits));
    }
}
