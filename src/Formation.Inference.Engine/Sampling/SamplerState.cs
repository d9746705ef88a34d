using Formation.Inference.Engine.Grammars;
using Formation.Inference.Engine.Reasoning;

namespace Formation.Inference.Engine.Sampling;

/// <summary>What the sampler remembers of one sequence. Preemption does not touch it.</summary>
/// <param name="parameters">How to draw.</param>
/// <param name="stop">When the completion must not end yet.</param>
/// <param name="seed">The request's seed.</param>
/// <param name="choice">Index of the choice, from 0.</param>
/// <param name="promptTokens">From <see cref="TokenCounts.PromptTokens"/>.</param>
/// <param name="text">The completion, where a grammar holds it to a format.</param>
/// <param name="reasoning">What its train of thought may have, or null for as much as it likes.</param>
internal sealed class SamplerState(
    SamplingParams parameters, StopConditions stop, long seed, int choice, HashSet<int>? promptTokens, GrammarText? text = null, ReasoningBudget? reasoning = null)
{
    readonly TokenCounts? _counts = TokenCounts.For(parameters, promptTokens);

    public SamplingParams Parameters { get; } = parameters;

    /// <summary>Tokens accepted so far: the position of the next draw.</summary>
    public int Position { get; private set; }

    /// <summary>Whether the completion must not end with the next token.</summary>
    public bool MustContinue => Position < stop.MinTokens;

    /// <summary>The request's stop tokens.</summary>
    public IReadOnlyList<int> StopTokenIds => stop.TokenIds;

    /// <summary>The random number of the next draw, in [0, 1).</summary>
    public double Uniform => UniformAhead(0);

    /// <summary>The random number of the draw that comes after some others, in [0, 1).</summary>
    public double UniformAhead(int tokens) => Philox.NextDouble(seed, choice, Position + tokens);

    /// <summary>Applies logit bias and penalties in place.</summary>
    public void Adjust(Span<float> logits)
    {
        if (Parameters.LogitBias is { Count: > 0 } bias)
            foreach (var (token, value) in bias)
                logits[token] += value;
        _counts?.Apply(logits);
    }

    /// <summary>Whether a grammar holds the completion to a format.</summary>
    public bool HasFormat => text is not null;

    /// <summary>Whether the completion is all of a text by its grammar, so that nothing can follow.</summary>
    /// <exception cref="GrammarException">The grammar can't tell.</exception>
    public bool IsTextComplete => text?.IsComplete == true;

    /// <summary>Whether one more token would make it so.</summary>
    /// <exception cref="GrammarException">The grammar can't tell.</exception>
    public bool IsTextCompletedBy(int token) => text?.IsCompletedBy(token) == true;

    /// <summary>Leaves only what the completion's grammar, and the limit of its train of thought, allow next.</summary>
    /// <exception cref="GrammarException">The grammar can't tell.</exception>
    public void HoldToFormat(Span<float> logits)
    {
        if (reasoning?.Forced is { } forced)
        {
            logits.Fill(float.NegativeInfinity);
            logits[forced] = 0;
        }

        text?.Constrain(logits);
    }

    /// <summary>Takes the token that was drawn.</summary>
    public void Accept(int token)
    {
        text?.Append(token);
        reasoning?.Accept(token);
        _counts?.Add(token);
        Position++;
    }
}
