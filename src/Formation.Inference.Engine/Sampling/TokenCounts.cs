namespace Formation.Inference.Engine.Sampling;

/// <summary>What the penalties need to know of one sequence: which tokens were seen, and how often each stands in the completion.</summary>
internal sealed class TokenCounts
{
    readonly SamplingParams _parameters;
    readonly HashSet<int> _seen = [];
    readonly Dictionary<int, int> _completion = [];

    TokenCounts(SamplingParams parameters, ReadOnlySpan<int> prompt)
    {
        _parameters = parameters;
        if (parameters.RepetitionPenalty != 1)
            foreach (var token in prompt)
                _seen.Add(token);
    }

    /// <summary>The counts, or null where no penalty is set.</summary>
    public static TokenCounts? For(SamplingParams parameters, ReadOnlySpan<int> prompt) =>
        parameters is { RepetitionPenalty: 1, FrequencyPenalty: 0, PresencePenalty: 0 } ? null : new TokenCounts(parameters, prompt);

    /// <summary>Counts a token of the completion.</summary>
    public void Add(int token)
    {
        if (_parameters.RepetitionPenalty != 1)
            _seen.Add(token);
        System.Runtime.InteropServices.CollectionsMarshal.GetValueRefOrAddDefault(_completion, token, out _)++;
    }

    /// <summary>Applies repetition, then frequency and presence penalties in place.</summary>
    public void Apply(Span<float> logits)
    {
        var repetition = _parameters.RepetitionPenalty;
        foreach (var token in _seen)
            logits[token] = Finite(logits[token] > 0 ? logits[token] / repetition : logits[token] * repetition);

        if (_parameters is { FrequencyPenalty: 0, PresencePenalty: 0 })
            return;
        foreach (var (token, count) in _completion)
            logits[token] = Finite(logits[token] - (_parameters.FrequencyPenalty * count + _parameters.PresencePenalty));
    }

    // An extreme penalty must not make an infinity, which the draw could not normalise.
    static float Finite(float logit) => Math.Clamp(logit, float.MinValue, float.MaxValue);
}
