using Formation.Inference.Engine.Sequences;

namespace Formation.Inference.Engine.Speculation.Planning;

/// <summary>
/// What is known of one drafter: how often it is right, over all and for each sequence, what its guesses cost, and when it is tried again.
/// </summary>
internal sealed class DrafterRecord(IDrafter drafter)
{
    // Hopeful, so that a drafter is tried at all.
    const double FirstExpectation = 0.7;

    const int ShortestWait = 16, LongestWait = 512;

    readonly Acceptance _overall = Acceptance.Expecting(FirstExpectation);
    readonly Dictionary<Sequence, Acceptance> _bySequence = [];
    RecentSeconds _secondsPerToken;
    int _wait = ShortestWait;
    int _waited;

    public IDrafter Drafter => drafter;

    /// <summary>Whether it has failed and is not asked again.</summary>
    public bool IsBroken { get; set; }

    /// <summary>Drafts verified so far.</summary>
    public long Drafts { get; private set; }

    /// <summary>Tokens of these drafts.</summary>
    public long DraftTokens { get; private set; }

    /// <summary>How many of these tokens were right.</summary>
    public long AcceptedTokens { get; private set; }

    /// <summary>What guessing takes, by the length of the longest draft.</summary>
    public double SecondsPerToken => _secondsPerToken.Middle;

    /// <summary>Whether it has not paid for so many steps that it is to be tried again, because text and machine change.</summary>
    public bool IsTrialDue => _waited >= _wait;

    /// <summary>How likely its next token is right for a sequence. A new one is taken to be like the others.</summary>
    public double RateOf(Sequence sequence)
    {
        if (!_bySequence.TryGetValue(sequence, out var own))
            _bySequence.Add(sequence, own = new Acceptance());
        return own.RateExpecting(_overall.Rate);
    }

    /// <summary>Notes that it guessed for a step. After a trial, the next one is further away.</summary>
    /// <param name="longest">Tokens of the longest draft, at least 1.</param>
    /// <param name="seconds">What all drafts took together.</param>
    public void NoteGuess(int longest, double seconds)
    {
        _secondsPerToken.Add(seconds / longest);
        if (IsTrialDue)
            (_wait, _waited) = (Math.Min(_wait * 2, LongestWait), 0);
    }

    /// <summary>Takes what became of a draft.</summary>
    public void NoteVerified(Sequence sequence, int drafted, int accepted)
    {
        (Drafts, DraftTokens, AcceptedTokens) = (Drafts + 1, DraftTokens + drafted, AcceptedTokens + accepted);
        _overall.Add(drafted, accepted);
        if (_bySequence.TryGetValue(sequence, out var own))
            own.Add(drafted, accepted);
    }

    /// <summary>Notes that a step was taken: what was seen of a sequence long ago counts less.</summary>
    public void NoteStep()
    {
        foreach (var own in _bySequence.Values)
            own.Fade();
    }

    /// <summary>Notes that the plan of a step does without it.</summary>
    public void NoteUnused() => _waited++;

    /// <summary>Notes that the plan of a step wants it because it pays.</summary>
    public void NoteUsed() => (_wait, _waited) = (ShortestWait, 0);

    public void Release()
    {
        drafter.Release();
        foreach (var sequence in _bySequence.Keys)
            if (sequence.State == SequenceState.Finished)
                _bySequence.Remove(sequence);
    }
}
