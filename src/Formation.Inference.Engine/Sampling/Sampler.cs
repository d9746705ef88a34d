using Formation.Inference.Engine.Grammars;

namespace Formation.Inference.Engine.Sampling;

/// <summary>
/// Chooses the next token of a sequence from its logits, in the order that <see cref="SamplingParams"/> states. Probabilities are
/// renormalised after each filter. The result depends on the logits, the sequence's own history and its seed, and on nothing else.
/// </summary>
/// <param name="vocabularySize">Logits in a row.</param>
/// <param name="endOfGeneration">The model's end-of-generation tokens, which are not drawn while a sequence must go on.</param>
/// <remarks>Not safe for more than one thread: the engine's thread owns it and its scratch memory.</remarks>
internal sealed class Sampler(int vocabularySize, IReadOnlyList<int> endOfGeneration)
{
    readonly float[] _raw = new float[vocabularySize];
    readonly Candidates _candidates = new(vocabularySize);

    /// <summary>Draws a token, which changes nothing in the state: the caller gives it to <see cref="SamplerState.Accept"/>.</summary>
    /// <param name="logits">One row; overwritten.</param>
    /// <param name="state">The sequence's state.</param>
    /// <param name="logprobs">The log-probabilities to report, or null.</param>
    /// <param name="sampled">The token.</param>
    /// <returns>False where the logits are not finite numbers or no token may be drawn.</returns>
    /// <exception cref="GrammarException">The grammar of the sequence's text allows no token of the model, or can't tell.</exception>
    public bool TrySample(Span<float> logits, SamplerState state, LogprobOptions? logprobs, out SampledToken sampled)
    {
        sampled = default;
        if (!LogProbabilities.AreFinite(logits))
            return false;
        if (logprobs is not null)
            logits.CopyTo(_raw);

        state.Adjust(logits);
        if (state.MustContinue)
            ForbidEnd(logits, state);
        state.HoldToFormat(logits);

        var token = LogProbabilities.ArgMax(logits);
        if (float.IsNegativeInfinity(logits[token]))
            return state.HasFormat ? throw new GrammarException("no token of this model's vocabulary may follow the text so far") : false;
        if (state.Parameters.Temperature > 0)
            token = Draw(logits, state.Parameters, state.Uniform);
        sampled = new SampledToken(token, logprobs is null ? null : LogProbabilities.Score(_raw, token, logprobs.Top));
        return true;
    }

    /// <summary>
    /// Draws from another model's logits as this sequence will draw from its own some tokens later: with the same random number, so that
    /// like distributions mostly give the same token. Penalties are those of now.
    /// </summary>
    /// <param name="logits">One row; overwritten.</param>
    /// <param name="state">The sequence's state; not changed.</param>
    /// <param name="ahead">Tokens between the newest one and the one to be guessed.</param>
    /// <returns>The token, or null where the logits are not finite numbers.</returns>
    public int? Guess(Span<float> logits, SamplerState state, int ahead)
    {
        if (!LogProbabilities.AreFinite(logits))
            return null;
        state.Adjust(logits);
        return state.Parameters.Temperature > 0
            ? Draw(logits, state.Parameters, state.UniformAhead(ahead))
            : LogProbabilities.ArgMax(logits);
    }

    int Draw(ReadOnlySpan<float> logits, SamplingParams parameters, double uniform)
    {
        _candidates.Fill(logits, parameters.Temperature, parameters.TopK);
        if (parameters.TypicalP < 1)
            _candidates.KeepTypical(parameters.TypicalP);
        if (parameters.TopP < 1)
            _candidates.KeepTopP(parameters.TopP);
        if (parameters.MinP > 0)
            _candidates.KeepMinP(parameters.MinP);
        return _candidates.Draw(uniform);
    }

    void ForbidEnd(Span<float> logits, SamplerState state)
    {
        foreach (var token in endOfGeneration)
            logits[token] = float.NegativeInfinity;
        foreach (var token in state.StopTokenIds)
            logits[token] = float.NegativeInfinity;
    }
}

/// <summary>A token that was drawn.</summary>
/// <param name="TokenId">Its id.</param>
/// <param name="Score">The log-probabilities of its position, where they were asked for.</param>
internal readonly record struct SampledToken(int TokenId, TokenScore? Score)
{
    /// <summary>Whether nothing can follow it, because the text is whole by its format.</summary>
    public bool CompletesText { get; init; }
}
