namespace Formation.Inference.Engine.Speculation.Planning;

/// <summary>How often a drafted token turned out right, as a mean that forgets.</summary>
internal sealed class Acceptance
{
    // What is expected counts as much as this many tokens that were seen.
    const double ExpectationWeight = 4;

    // About eight drafts, or 128 steps without one, are remembered: text changes from repeating itself to not doing so within a line.
    const double KeptByDraft = 1 - 1.0 / 8, KeptByStep = 1 - 1.0 / 128;

    double _tried;
    double _right;

    /// <summary>Begins with an expectation that is forgotten as if it had been seen.</summary>
    public static Acceptance Expecting(double rate) => new() { _tried = ExpectationWeight, _right = ExpectationWeight * rate };

    /// <summary>The probability that a drafted token is right where those before it are, 0 to 1.</summary>
    public double Rate => _right / _tried;

    /// <summary>The same where little was seen, and more may be expected than that.</summary>
    /// <param name="expected">The rate that is expected, 0 to 1.</param>
    public double RateExpecting(double expected) => (_right + ExpectationWeight * expected) / (_tried + ExpectationWeight);

    /// <summary>Takes a verified draft. What stands behind its first wrong token says nothing.</summary>
    /// <param name="drafted">Tokens of the draft, at least 1.</param>
    /// <param name="accepted">How many of them were right.</param>
    public void Add(int drafted, int accepted)
    {
        _tried = _tried * KeptByDraft + Math.Min(drafted, accepted + 1);
        _right = _right * KeptByDraft + accepted;
    }

    /// <summary>Lets a step pass: what was seen long ago gives way to what is expected.</summary>
    public void Fade() => (_tried, _right) = (_tried * KeptByStep, _right * KeptByStep);
}
