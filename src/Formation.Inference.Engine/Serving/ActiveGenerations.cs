using Formation.Inference.Engine.Sampling;
using Formation.Inference.Engine.Scheduling;
using Formation.Inference.Engine.Sequences;

namespace Formation.Inference.Engine.Serving;

/// <summary>
/// The requests that an engine has taken and not ended. Here what a step computed becomes tokens, text and events (step 9 of the request
/// path), and what ends leaves the scheduler. Belongs to the engine's thread.
/// </summary>
internal sealed class ActiveGenerations(Scheduler scheduler, GenerationReporter reporter, QueueLimit queue)
{
    readonly Dictionary<SequenceGroup, Generation> _generations = [];

    public int Count => _generations.Count;

    /// <summary>The request of a sequence.</summary>
    public Generation OwnerOf(Sequence sequence) => _generations[sequence.Group];

    /// <summary>Takes a request from the inbox.</summary>
    public void Add(Generation generation)
    {
        if (generation.IsCancelled)
        {
            queue.Leave();
            reporter.Cancelled(generation);
            return;
        }

        _generations.Add(generation.Group, generation);
        scheduler.Add(generation.Group);
        reporter.Accepted(generation);
        if (generation.MaxTokens == 0 && !generation.Group.NeedsPromptLogits)
            FinishWithoutTokens(generation);
    }

    /// <summary>Drops the requests whose callers have left.</summary>
    public void DropCancelled()
    {
        foreach (var generation in _generations.Values.Where(generation => generation.IsCancelled).ToList())
        {
            Drop(generation);
            reporter.Cancelled(generation);
        }
    }

    /// <summary>Notes that these parts of sequences are about to be computed.</summary>
    public void NoteScheduled(IReadOnlyList<ScheduledSlice> slices)
    {
        foreach (var slice in slices)
            if (OwnerOf(slice.Sequence) is { Times.Scheduled: null } generation)
            {
                queue.Leave();
                reporter.Scheduled(generation);
            }
    }

    /// <summary>Takes the results of a step.</summary>
    public void Complete(IReadOnlyList<ScheduledSlice> slices, IReadOnlyList<StepSample> samples)
    {
        scheduler.Complete(slices);
        foreach (var slice in slices)
            if (slice.Sequence is { State: SequenceState.Running, Group: { NeedsPromptLogits: true, IsPromptComputed: true } })
                CompletePrompt(OwnerOf(slice.Sequence));
        foreach (var sample in samples)
            if (sample.Sequence.State == SequenceState.Running)
                CompleteToken(OwnerOf(sample.Sequence), sample);
    }

    /// <summary>Fails the requests that had a part in a step: their KV rows are undefined now, and nobody else's.</summary>
    public void FailStep(IReadOnlyList<ScheduledSlice> slices)
    {
        foreach (var group in slices.Select(slice => slice.Sequence.Group).Distinct().ToList())
            if (_generations.TryGetValue(group, out var generation))
                Fail(generation, EngineErrors.EngineFailed());
    }

    /// <summary>Fails all requests and frees what they hold; the engine goes on.</summary>
    public void FailAndDropAll(GenerationError error)
    {
        foreach (var generation in _generations.Values.ToList())
            Fail(generation, error);
    }

    /// <summary>Fails all requests at the engine's end. The scheduler is not asked any more: it may be what failed.</summary>
    public void FailAll(GenerationError error)
    {
        foreach (var generation in _generations.Values)
            reporter.Failed(generation, error);
        _generations.Clear();
    }

    void CompletePrompt(Generation generation)
    {
        if (generation.PromptScores.Count < generation.Group.Prompt.Length - 1)
            return;
        reporter.PromptScored(generation);
        if (generation.MaxTokens == 0)
            FinishWithoutTokens(generation);
    }

    void FinishWithoutTokens(Generation generation)
    {
        Drop(generation);
        for (var choice = 0; choice < generation.Choices.Count; choice++)
            if (generation.Request.Continuation?.Choices[choice].IsFinished != true)
                reporter.Finished(generation, choice, FinishReason.Length);
        reporter.Ended(generation);
    }

    void CompleteToken(Generation generation, StepSample sample)
    {
        if (sample.Token is not { } token)
        {
            Fail(generation, sample.Error!);
            return;
        }

        var sequence = sample.Sequence;
        // Behind the step's first token, the one before was a draft that stands.
        if (sequence.ComputedLength < sequence.Length)
            scheduler.AcceptDraft(sequence);
        sequence.Append(token.TokenId);
        FinishReason? last = token.CompletesText ? FinishReason.Stop
            : sequence.CompletionLength >= generation.MaxTokens ? FinishReason.Length : null;
        var step = generation.Choices[sequence.Choice].Append(token.TokenId, reporter.Describe(token), last);
        reporter.Advanced(generation, sequence.Choice, step);
        if (step.Finish is null)
            return;
        scheduler.Remove(sequence);
        if (!generation.IsFinished)
            return;
        Drop(generation);
        reporter.Ended(generation);
    }

    void Fail(Generation generation, GenerationError error)
    {
        Drop(generation);
        reporter.Failed(generation, error);
    }

    /// <summary>Forgets a request and frees what it holds.</summary>
    void Drop(Generation generation)
    {
        _generations.Remove(generation.Group);
        foreach (var sequence in generation.Group.Sequences)
            scheduler.Remove(sequence);
        if (generation.Times.Scheduled is null)
            queue.Leave();
    }
}
