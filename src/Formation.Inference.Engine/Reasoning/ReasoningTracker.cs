namespace Formation.Inference.Engine.Reasoning;

/// <summary>Follows an answer to where its train of thought ends and what the model says begins, whatever a letter is here: a byte, a character.</summary>
/// <param name="opening">What opens a thought, or nothing where there is none.</param>
/// <param name="closing">What closes it.</param>
/// <param name="gap">What may stand behind it, as far as it does.</param>
/// <param name="isOpen">Whether the text begins in the middle of one.</param>
internal struct ReasoningTracker<T>(T[] opening, T[] closing, T[] gap, bool isOpen)
    where T : struct, IEquatable<T>
{
    private int _matched;

    /// <summary>Where the text is.</summary>
    public ReasoningPhase Phase { get; private set; } = isOpen ? ReasoningPhase.Thought : opening.Length == 0 ? ReasoningPhase.Answer : ReasoningPhase.Opening;

    /// <summary>Takes the next letter.</summary>
    /// <returns>False for the first one of the answer (or of all, where there is no thought), and for all behind it.</returns>
    public bool Take(T next)
    {
        switch (Phase)
        {
            case ReasoningPhase.Opening when next.Equals(opening[_matched]):
                if (++_matched == opening.Length)
                    (Phase, _matched) = (ReasoningPhase.Thought, 0);
                return true;
            case ReasoningPhase.Thought:
                _matched = MatchedWith(next);
                if (_matched == closing.Length)
                    (Phase, _matched) = (gap.Length == 0 ? ReasoningPhase.Answer : ReasoningPhase.Gap, 0);
                return true;
            case ReasoningPhase.Gap when next.Equals(gap[_matched]):
                if (++_matched == gap.Length)
                    Phase = ReasoningPhase.Answer;
                return true;
            default:
                Phase = ReasoningPhase.Answer;
                return false;
        }
    }

    // How much of what closes the thought the text ends with.
    private readonly int MatchedWith(T next)
    {
        for (var length = _matched + 1; length > 0; length--)
            if (closing[length - 1].Equals(next) && closing.AsSpan(0, length - 1).SequenceEqual(closing.AsSpan(_matched - length + 1, length - 1)))
                return length;
        return 0;
    }
}

/// <summary>Where an answer is.</summary>
internal enum ReasoningPhase
{
    /// <summary>At its beginning: a thought may open, or may just be opening.</summary>
    Opening,

    /// <summary>In a thought.</summary>
    Thought,

    /// <summary>Between a thought and the answer.</summary>
    Gap,

    /// <summary>Behind it, or where there was none.</summary>
    Answer,
}
