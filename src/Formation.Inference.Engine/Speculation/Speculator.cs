using Formation.Inference.Engine.Sampling;
using Formation.Inference.Engine.Scheduling;
using Formation.Inference.Engine.Sequences;
using Formation.Inference.Engine.Speculation.Planning;
using Microsoft.Extensions.Logging;

namespace Formation.Inference.Engine.Speculation;

/// <summary>
/// Lets drafters guess the next tokens of decoding sequences, so that one step of the model can verify several. It measures what steps take and
/// which guesses come true, and asks for as many as pay. What it decides changes when a token comes, and never which: the sampler draws each
/// one from the model's own logits. Belongs to the engine's thread.
/// </summary>
internal sealed partial class Speculator(
    SpeculationOptions options,
    IEnumerable<IDrafter> drafters,
    Scheduler scheduler,
    int vocabularySize,
    IReadOnlySet<int> endOfGeneration,
    TimeProvider clock,
    ILogger logger)
{
    readonly SpeculationController _controller = new(options);
    readonly List<DrafterRecord> _drafters = [.. drafters.Select(drafter => new DrafterRecord(drafter))];
    readonly List<(DrafterRecord Drafter, double Speed)> _order = [];
    readonly List<DraftTarget> _targets = [];
    DraftCandidate[] _candidates = [];

    /// <summary>What is known of each drafter.</summary>
    public IReadOnlyList<DrafterRecord> Drafters => _drafters;

    /// <summary>
    /// Gives the step's decoding sequences their drafts, as far as that pays and the scheduler has room. The step begins behind it.
    /// </summary>
    /// <param name="slices">The scheduled step; drafts make its slices longer.</param>
    /// <param name="step">Gets what <see cref="Learn"/> has to know of it.</param>
    /// <param name="ownerOf">The request of a sequence.</param>
    public void Draft(List<ScheduledSlice> slices, DraftedStep step, Func<Sequence, Generation> ownerOf)
    {
        step.DrafterOfSlice.Clear();

        // A step with rows of prompts is busy with these, and what it takes says nothing of decoding.
        step.IsMeasured = AreDecoding(slices);
        if (step.IsMeasured && _drafters.Count > 0)
            DraftAll(slices, step, ownerOf);
        step.StartedAt = clock.GetTimestamp();
    }

    /// <summary>Takes what the step took and which of its drafts were right. Called before the step is completed.</summary>
    /// <param name="slices">The step as it was computed.</param>
    /// <param name="step">What <see cref="Draft"/> noted.</param>
    /// <param name="samples">What was drawn.</param>
    public void Learn(IReadOnlyList<ScheduledSlice> slices, DraftedStep step, IReadOnlyList<StepSample> samples)
    {
        if (step.IsMeasured)
            _controller.Costs.Add(RowsOf(slices), clock.GetElapsedTime(step.StartedAt).TotalSeconds);
        foreach (var drafter in _drafters)
            drafter.NoteStep();

        // Samples stand in the order of the slices, and a sequence has one more of them than tokens of its draft were right; none where it
        // has ended since.
        var next = 0;
        for (var i = 0; i < step.DrafterOfSlice.Count; i++)
        {
            var (sequence, first) = (slices[i].Sequence, next);
            while (next < samples.Count && samples[next].Sequence == sequence)
                next++;
            if (sequence.Draft.Count > 0 && next > first)
                step.DrafterOfSlice[i]!.NoteVerified(sequence, sequence.Draft.Count, next - first - 1);
        }
    }

    /// <summary>Lets go of what is kept for sequences that have ended.</summary>
    public void Release()
    {
        foreach (var drafter in _drafters)
            drafter.Release();
    }

    void DraftAll(List<ScheduledSlice> slices, DraftedStep step, Func<Sequence, Generation> ownerOf)
    {
        for (var i = 0; i < slices.Count; i++)
            step.DrafterOfSlice.Add(null);
        var (draftRows, tokens) = (0, (double)slices.Count);
        foreach (var (drafter, _) in InOrder(slices, ownerOf))
        {
            var candidates = FindCandidates(drafter, slices, ownerOf);
            if (candidates.IsEmpty)
                break;
            var rows = slices.Count + draftRows;
            var planned = _controller.Plan(drafter, candidates, slices.Count, rows, tokens, scheduler.SpareRows - draftRows);
            if (planned == 0 || !TryAsk(drafter, candidates, slices, ownerOf))
                continue;
            foreach (var candidate in candidates)
                if (TakeDraft(drafter, candidate, step, slices[candidate.Slice].Sequence.Draft) is var drafted and > 0)
                {
                    draftRows += drafted;
                    tokens += ExpectedTokens(candidate.Rate, drafted);
                }
        }

        scheduler.AddDrafts(slices);
    }

    /// <summary>The drafters that are to be asked: first the one with which the step is expected to be the fastest.</summary>
    List<(DrafterRecord Drafter, double Speed)> InOrder(IReadOnlyList<ScheduledSlice> slices, Func<Sequence, Generation> ownerOf)
    {
        _order.Clear();
        foreach (var drafter in _drafters)
        {
            if (drafter.IsBroken)
                continue;
            var candidates = FindCandidates(drafter, slices, ownerOf);
            _order.Add((drafter, _controller.SpeedOf(drafter, candidates, slices.Count, scheduler.SpareRows)));
        }

        // Few of them, and equal ones stay in their order.
        for (var i = 1; i < _order.Count; i++)
            for (var j = i; j > 0 && _order[j].Speed > _order[j - 1].Speed; j--)
                (_order[j], _order[j - 1]) = (_order[j - 1], _order[j]);
        return _order;
    }

    /// <summary>The sequences that have no draft and room for one.</summary>
    Span<DraftCandidate> FindCandidates(DrafterRecord drafter, IReadOnlyList<ScheduledSlice> slices, Func<Sequence, Generation> ownerOf)
    {
        if (_candidates.Length < slices.Count)
            _candidates = new DraftCandidate[slices.Count];
        var count = 0;
        for (var i = 0; i < slices.Count; i++)
        {
            // A step gives one token more than the draft has, and all of them together are no more than the request wants.
            var sequence = slices[i].Sequence;
            var limit = Math.Min(options.MaxDraftTokens, ownerOf(sequence).MaxTokens - sequence.CompletionLength - 1);
            if (limit > 0 && sequence.Draft.Count == 0)
                _candidates[count++] = new DraftCandidate { Slice = i, Rate = drafter.RateOf(sequence), Limit = limit };
        }

        return _candidates.AsSpan(0, count);
    }

    /// <summary>Lets a drafter guess. One that fails is not asked again: the requests do well without it.</summary>
    bool TryAsk(
        DrafterRecord drafter, ReadOnlySpan<DraftCandidate> candidates, IReadOnlyList<ScheduledSlice> slices, Func<Sequence, Generation> ownerOf)
    {
        _targets.Clear();
        foreach (var candidate in candidates)
        {
            var sequence = slices[candidate.Slice].Sequence;
            if (candidate.Length > 0)
                _targets.Add(new DraftTarget(sequence, ownerOf(sequence).Choices[sequence.Choice].Sampler, candidate.Length));
        }

        try
        {
            var started = clock.GetTimestamp();
            drafter.Drafter.Draft(_targets);
            var longest = 0;
            foreach (var target in _targets)
                longest = Math.Max(longest, target.Sequence.Draft.Count);
            if (longest > 0)
                drafter.NoteGuess(longest, clock.GetElapsedTime(started).TotalSeconds);
            return true;
        }
        catch (Exception fault)
        {
            LogDrafterFault(drafter.Drafter.Name, fault);
            drafter.IsBroken = true;
            foreach (var target in _targets)
                target.Sequence.Draft.Clear();
            return false;
        }
    }

    /// <summary>Cuts a draft where it can't be verified or used any more, and notes whose it is.</summary>
    /// <returns>Tokens that are left.</returns>
    int TakeDraft(DrafterRecord drafter, DraftCandidate candidate, DraftedStep step, List<int> draft)
    {
        var length = 0;
        var most = Math.Min(draft.Count, candidate.Length);
        while (length < most && (uint)draft[length] < (uint)vocabularySize && !endOfGeneration.Contains(draft[length]))
            length++;
        draft.RemoveRange(length, draft.Count - length);
        if (length > 0)
            step.DrafterOfSlice[candidate.Slice] = drafter;
        return length;
    }

    static bool AreDecoding(IReadOnlyList<ScheduledSlice> slices)
    {
        for (var i = 0; i < slices.Count; i++)
            if (!slices[i].Sequence.IsDecoding)
                return false;
        return true;
    }

    static int RowsOf(IReadOnlyList<ScheduledSlice> slices)
    {
        var rows = 0;
        for (var i = 0; i < slices.Count; i++)
            rows += slices[i].Count;
        return rows;
    }

    static double ExpectedTokens(double rate, int drafted)
    {
        var (expected, next) = (0.0, rate);
        for (var i = 0; i < drafted; i++, next *= rate)
            expected += next;
        return expected;
    }

    [LoggerMessage(LogLevel.Error, "The drafter {Drafter} failed and is not used any more; requests go on without its guesses.")]
    partial void LogDrafterFault(string drafter, Exception fault);
}
