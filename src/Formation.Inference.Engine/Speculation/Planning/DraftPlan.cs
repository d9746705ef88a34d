namespace Formation.Inference.Engine.Speculation.Planning;

/// <summary>
/// Divides a step's draft rows between sequences so that the step gives the most tokens a second. The next row goes where it is most likely to
/// give a token; of all numbers of rows that are possible, the best one is taken.
/// </summary>
internal sealed class DraftPlan(StepCosts costs)
{
    readonly List<int> _order = [];
    double[] _next = [];

    /// <summary>Tokens a second that the plan made last is expected to give.</summary>
    public double Speed { get; private set; }

    /// <summary>Plans one step.</summary>
    /// <param name="candidates">The sequences that may have a draft; their lengths are set.</param>
    /// <param name="rows">Rows that the step has in any case.</param>
    /// <param name="tokens">Tokens that it is expected to give with these.</param>
    /// <param name="spareRows">Rows that it may have more.</param>
    /// <param name="secondsPerToken">What a draft costs to make, by the length of the longest.</param>
    /// <param name="isTrial">Whether to take the best plan with at least one draft, even where none is better.</param>
    /// <returns>Draft rows planned.</returns>
    public int Make(Span<DraftCandidate> candidates, int rows, double tokens, int spareRows, double secondsPerToken, bool isTrial)
    {
        Start(candidates);
        var (best, bestCount) = (isTrial || costs.Estimate(rows) is not { } plain ? 0 : tokens / plain, 0);
        var longest = 0;
        for (var added = 1; added <= Math.Min(spareRows, StepCosts.MaxRows - rows); added++)
        {
            var chosen = MostLikely(candidates);
            if (chosen < 0)
                break;
            ref var candidate = ref candidates[chosen];
            _order.Add(chosen);
            tokens += _next[chosen];
            _next[chosen] *= candidate.Rate;
            longest = Math.Max(longest, ++candidate.Length);
            if (costs.Estimate(rows + added) is { } seconds && tokens / (seconds + longest * secondsPerToken) is var speed && speed > best)
                (best, bestCount) = (speed, added);
        }

        for (var taken = _order.Count; taken > bestCount; taken--)
            candidates[_order[taken - 1]].Length--;
        Speed = best;
        return bestCount;
    }

    void Start(Span<DraftCandidate> candidates)
    {
        _order.Clear();
        if (_next.Length < candidates.Length)
            _next = new double[candidates.Length];
        for (var i = 0; i < candidates.Length; i++)
        {
            candidates[i].Length = 0;
            _next[i] = candidates[i].Rate;
        }
    }

    int MostLikely(ReadOnlySpan<DraftCandidate> candidates)
    {
        var chosen = -1;
        for (var i = 0; i < candidates.Length; i++)
            if (candidates[i].Length < candidates[i].Limit && (chosen < 0 || _next[i] > _next[chosen]))
                chosen = i;
        return chosen;
    }
}

/// <summary>A sequence that may have a draft.</summary>
internal struct DraftCandidate
{
    /// <summary>Index of its slice in the step.</summary>
    public int Slice { get; init; }

    /// <summary>How likely a drafted token is right where those before it are, 0 to 1.</summary>
    public double Rate { get; set; }

    /// <summary>Tokens of its draft at most.</summary>
    public int Limit { get; init; }

    /// <summary>Tokens planned.</summary>
    public int Length { get; set; }
}
