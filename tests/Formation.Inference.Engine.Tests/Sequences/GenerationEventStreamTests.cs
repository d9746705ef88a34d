using Formation.Inference.Engine.Sequences;
using Formation.Inference.Testing.Models;

namespace Formation.Inference.Engine.Tests.Sequences;

public sealed class GenerationEventStreamTests
{
    static GenerationDelta Delta(int choice, string text) => new(choice, text, []);

    static async Task<List<GenerationEvent>> ReadAll(GenerationEventStream stream)
    {
        var events = new List<GenerationEvent>();
        await foreach (var next in stream.ReadAllAsync(CancellationToken.None))
            events.Add(next);
        return events;
    }

    [Fact]
    public async Task Unread_deltas_of_a_choice_are_joined()
    {
        var stream = new GenerationEventStream();
        stream.Publish(new GenerationStarted(3));
        for (var i = 0; i < 10_000; i++)
            stream.Publish(Delta(i % 2, i % 2 == 0 ? "a" : "b"));
        stream.Publish(new GenerationFinished(0, FinishReason.Length, 5000));
        stream.Publish(Delta(1, "!"));
        stream.Publish(new GenerationFinished(1, FinishReason.Length, 5001));
        stream.Complete();

        var events = await ReadAll(stream);
        Assert.Equal(5, events.Count);
        Assert.Equal(new string('a', 5000), ((GenerationDelta)events[1]).Text.Value);
        Assert.Equal(new string('b', 5000) + "!", ((GenerationDelta)events[2]).Text.Value);
        Assert.Equal([0, 1], events.OfType<GenerationFinished>().Select(finished => finished.Choice));
    }

    [Fact]
    public async Task The_prompts_echo_stays_an_event_of_its_own()
    {
        var stream = new GenerationEventStream();
        stream.Publish(Delta(0, "prompt") with { IsEcho = true });
        stream.Publish(Delta(0, " text"));
        stream.Complete();
        Assert.Equal([true, false], (await ReadAll(stream)).Cast<GenerationDelta>().Select(delta => delta.IsEcho));
    }

    [Fact]
    public async Task Nothing_follows_a_failure()
    {
        var stream = new GenerationEventStream();
        stream.Fail(new GenerationError(GenerationErrorKind.Internal, "no"));
        stream.Publish(Delta(0, "late"));
        Assert.IsType<GenerationFailed>(Assert.Single(await ReadAll(stream)));
    }

    [Fact]
    public async Task A_reader_that_waits_is_woken_and_reads_in_order()
    {
        var stream = new GenerationEventStream();
        var reading = ReadAll(stream);
        for (var i = 0; i < 200; i++)
        {
            stream.Publish(Delta(0, $"{i},"));
            await Task.Yield();
        }

        stream.Complete();
        var text = string.Concat((await reading).Cast<GenerationDelta>().Select(delta => delta.Text.Value));
        Assert.Equal(string.Concat(Enumerable.Range(0, 200).Select(i => $"{i},")), text);
    }

    [Fact]
    public async Task A_reader_that_keeps_up_with_the_engine_sees_every_event_once()
    {
        // Bursts and pauses of all lengths: now and then the reader wakes to nothing new, and the next event comes at that very moment.
        const int count = 500_000;
        var stream = new GenerationEventStream();
        var reading = Task.Run(() => ReadAll(stream));
        await Task.Factory.StartNew(
            () =>
            {
                var random = new SplitMix64(1);
                for (var i = 0; i < count && !reading.IsCompleted; i++)
                {
                    stream.Publish(new GenerationStarted(i));
                    Thread.SpinWait(random.Next(40));
                }

                stream.Complete();
            },
            TaskCreationOptions.LongRunning);

        Assert.Equal(Enumerable.Range(0, count), (await reading).Cast<GenerationStarted>().Select(started => started.PromptTokens));
    }

    [Fact]
    public async Task Cancelling_ends_a_waiting_reader()
    {
        using var cancellation = new CancellationTokenSource();
        var reading = new GenerationEventStream().ReadAllAsync(cancellation.Token).GetAsyncEnumerator(cancellation.Token).MoveNextAsync();
        cancellation.Cancel();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(async () => await reading);
    }
}
