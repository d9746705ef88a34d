using Formation.Inference.Engine.Embeddings;
using Formation.Inference.Engine.Sampling;
using Formation.Inference.Engine.Scheduling;
using Formation.Inference.Engine.Sequences;

namespace Formation.Inference.Engine.Serving;

/// <summary>
/// The requests that an engine has taken and not ended. Here what a step computed becomes tokens, text and events (step 9 of the request
/// path), and what ends leaves the scheduler. Belongs to the engine's thread.
/// </summary>
/// <param name="scheduler">Gets the requests' sequences.</param>
/// <param name="reporter">Tells of them.</param>
/// <param name="queue">Counts those that wait.</param>
/// <param name="nextId">Gives ids to sequences that come into the scheduler later than their request.</param>
internal sealed class ActiveGenerations(Scheduler scheduler, GenerationReporter reporter, QueueLimit queue, Func<long> nextId)
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
        if (generation.Embedding is not null)
            BeginInputs(generation, generation.Embedding);
        else if (generation.MaxTokens == 0 && !generation.Group.NeedsPromptLogits)
            FinishWithoutTokens(generation);
    }

    /// <summary>Drops the requests whose callers have left.</summary>
    public void DropCancelled()
    {
        foreach (var generation in _generations.Values.Where(generation => generation.IsCancelled).Distinct().ToList())
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
            else if (slice.Sequence is { State: SequenceState.Running, Group: { Pooler: not null, IsPromptComputed: true } group })
                CompleteInput(OwnerOf(slice.Sequence), group);
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
        foreach (var generation in _generations.Values.Distinct().ToList())
            Fail(generation, error);
    }

    /// <summary>Fails all requests at the engine's end. The scheduler is not asked any more: it may be what failed.</summary>
    public void FailAll(GenerationError error)
    {
        foreach (var generation in _generations.Values.Distinct())
            reporter.Failed(generation, error);
        _generations.Clear();
    }

    void BeginInputs(Generation generation, EmbeddingWork work)
    {
        while (work.TryBegin(nextId) is { } group)
        {
            _generations.Add(group, generation);
            scheduler.Add(group);
            reporter.Begun(generation, group);
        }
    }

    void CompleteInput(Generation generation, SequenceGroup group)
    {
        _generations.Remove(group);
        scheduler.Remove(group.Leader);
        if (!generation.Embedding!.TryFinish(group))
        {
            Fail(generation, EngineErrors.NonFiniteVector());
            return;
        }

        reporter.Embedded(generation, group);
        BeginInputs(generation, generation.Embedding);
        if (generation.Embedding.IsFinished)
            reporter.Ended(generation);
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
        foreach (var group in generation.Groups)
        {
            _generations.Remove(group);
            foreach (var sequence in group.Sequences)
                scheduler.Remove(sequence);
        }

        if (generation.Times.Scheduled is null)
            queue.Leave();
    }
}
