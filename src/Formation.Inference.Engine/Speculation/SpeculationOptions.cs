namespace Formation.Inference.Engine.Speculation;

/// <summary>Whose guesses of the next tokens an engine verifies.</summary>
public enum SpeculationMode
{
    /// <summary>Nobody's: each step gives each sequence one token.</summary>
    Off,

    /// <summary>Those found in the sequence's own history.</summary>
    Lookup,

    /// <summary>Those found in the history and, where the model has one, those of its draft model.</summary>
    Auto,
}

/// <summary>How an engine speculates. None of it changes a token, only the time that it takes.</summary>
public sealed record SpeculationOptions
{
    /// <summary>Whose guesses are verified. Default <see cref="SpeculationMode.Auto"/>.</summary>
    public SpeculationMode Mode { get; init; } = SpeculationMode.Auto;

    /// <summary>Tokens of a draft at most. Default 15: with the newest token sixteen rows, which kernels compute together.</summary>
    public int MaxDraftTokens { get; init; } = 15;

    /// <summary>Sequences of a step above which none has a draft: the machine is busy without. Default 16.</summary>
    public int MaxSequences { get; init; } = 16;

    /// <summary>
    /// Whether drafts are only as long as measurements say that they pay, the default; else always as long as they can be, for tests and
    /// measurements.
    /// </summary>
    public bool IsAdaptive { get; init; } = true;

    internal void Validate()
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(MaxDraftTokens, 1);
        ArgumentOutOfRangeException.ThrowIfLessThan(MaxSequences, 1);
    }
}
