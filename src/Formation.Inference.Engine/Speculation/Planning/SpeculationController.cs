namespace Formation.Inference.Engine.Speculation.Planning;

/// <summary>
/// Decides how long the drafts of a step may be: as long as the measured cost of steps and the measured acceptance say that they give more
/// tokens a second than none. See docs/adr/0011-speculative-decoding.md.
/// </summary>
internal sealed class SpeculationController
{
    // The first measurement of a number of rows may be of code that is still being compiled.
    const int FewestPlainSteps = 2;

    // Drafts hide what a step without them takes, and that changes with the machine's load and the length of histories.
    const int LongestWithoutPlainStep = 64;

    const double TrialRate = 0.5;

    readonly SpeculationOptions _options;
    readonly DraftPlan _plan;

    public SpeculationController(SpeculationOptions options)
    {
        options.Validate();
        _options = options;
        _plan = new DraftPlan(Costs);
    }

    /// <summary>What steps take, as measured.</summary>
    public StepCosts Costs { get; } = new();

    /// <summary>Tokens a second that a step of sequences with this drafter's guesses alone is expected to give.</summary>
    public double SpeedOf(DrafterRecord drafter, Span<DraftCandidate> candidates, int sequences, int spareRows)
    {
        _plan.Make(candidates, sequences, sequences, spareRows, drafter.SecondsPerToken, isTrial: false);
        return _plan.Speed;
    }

    /// <summary>Sets the lengths of one drafter's drafts.</summary>
    /// <param name="drafter">What is known of it.</param>
    /// <param name="candidates">The sequences that it may guess for, with their rates and limits.</param>
    /// <param name="sequences">Sequences of the step.</param>
    /// <param name="rows">Rows that the step has already: one for each sequence, and other drafters' drafts.</param>
    /// <param name="tokens">Tokens that it is expected to give with these.</param>
    /// <param name="spareRows">Rows that it may have more.</param>
    /// <returns>Draft rows planned; 0 where the step is to go without this drafter.</returns>
    public int Plan(DrafterRecord drafter, Span<DraftCandidate> candidates, int sequences, int rows, double tokens, int spareRows)
    {
        if (sequences > _options.MaxSequences)
            return TakeNone(candidates);
        if (!_options.IsAdaptive)
            return TakeAll(candidates);
        if (rows >= StepCosts.MaxRows || IsPlainStepDue(sequences))
            return TakeNone(candidates);
        var planned = _plan.Make(candidates, rows, tokens, spareRows, drafter.SecondsPerToken, isTrial: false);
        if (planned > 0)
            drafter.NoteUsed();
        else if (drafter.IsTrialDue)
            return Try(drafter, candidates, rows, tokens, spareRows);
        else
            drafter.NoteUnused();
        return planned;
    }

    /// <summary>Plans at least one draft, as if guesses had become fair: a draft of some tokens tells more than one of a single token.</summary>
    int Try(DrafterRecord drafter, Span<DraftCandidate> candidates, int rows, double tokens, int spareRows)
    {
        foreach (ref var candidate in candidates)
            candidate.Rate = Math.Max(candidate.Rate, TrialRate);
        return _plan.Make(candidates, rows, tokens, spareRows, drafter.SecondsPerToken, isTrial: true);
    }

    bool IsPlainStepDue(int sequences) =>
        Costs.CountOf(sequences) < FewestPlainSteps || Costs.AgeOf(sequences) >= LongestWithoutPlainStep;

    static int TakeAll(Span<DraftCandidate> candidates)
    {
        var rows = 0;
        foreach (ref var candidate in candidates)
            rows += candidate.Length = candidate.Limit;
        return rows;
    }

    static int TakeNone(Span<DraftCandidate> candidates)
    {
        foreach (ref var candidate in candidates)
            candidate.Length = 0;
        return 0;
    }
}
