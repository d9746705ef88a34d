using System.Runtime.InteropServices;

namespace Formation.Inference.Engine.Sampling;

/// <summary>What the penalties need to know of one sequence: which tokens were seen, and how often each stands in the completion.</summary>
internal sealed class TokenCounts
{
    readonly SamplingParams _parameters;
    readonly HashSet<int>? _prompt;
    readonly Dictionary<int, int> _completion = [];

    TokenCounts(SamplingParams parameters, HashSet<int>? prompt) => (_parameters, _prompt) = (parameters, prompt);

    /// <summary>The distinct tokens of a prompt where a penalty asks for them, else null. The choices of a request share them.</summary>
    public static HashSet<int>? PromptTokens(SamplingParams parameters, int[] prompt) =>
        parameters.RepetitionPenalty == 1 ? null : [.. prompt];

    /// <summary>The counts of a sequence, or null where no penalty is set.</summary>
    /// <param name="parameters">The penalties.</param>
    /// <param name="prompt">From <see cref="PromptTokens"/>; not changed.</param>
    public static TokenCounts? For(SamplingParams parameters, HashSet<int>? prompt) =>
        parameters is { RepetitionPenalty: 1, FrequencyPenalty: 0, PresencePenalty: 0 } ? null : new TokenCounts(parameters, prompt);

    /// <summary>Counts a token of the completion.</summary>
    public void Add(int token) => CollectionsMarshal.GetValueRefOrAddDefault(_completion, token, out _)++;

    /// <summary>Applies repetition, then frequency and presence penalties in place.</summary>
    public void Apply(Span<float> logits)
    {
        if (_prompt is not null)
        {
            foreach (var token in _prompt)
                ApplyRepetition(ref logits[token]);
            foreach (var (token, _) in _completion)
                if (!_prompt.Contains(token))
                    ApplyRepetition(ref logits[token]);
        }

        if (_parameters is { FrequencyPenalty: 0, PresencePenalty: 0 })
            return;
        foreach (var (token, count) in _completion)
            logits[token] = Finite(logits[token] - (_parameters.FrequencyPenalty * count + _parameters.PresencePenalty));
    }

    void ApplyRepetition(ref float logit) =>
        logit = Finite(logit > 0 ? logit / _parameters.RepetitionPenalty : logit * _parameters.RepetitionPenalty);

    // An extreme penalty must not make an infinity, which the draw could not normalise.
    static float Finite(float logit) => Math.Clamp(logit, float.MinValue, float.MaxValue);
}
