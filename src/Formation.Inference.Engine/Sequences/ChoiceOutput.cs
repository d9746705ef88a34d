using Formation.Inference.Engine.Sampling;
using Formation.Inference.Engine.Tokenization;

namespace Formation.Inference.Engine.Sequences;

/// <summary>
/// Turns the tokens of one choice into text that may be shown, and decides when the choice ends. Text that may be part of a stop string is
/// held back, and so are the log-probabilities of the tokens behind it. Its sampler may be some tokens ahead of it, while those that a
/// step drew together are appended one by one.
/// </summary>
internal sealed class ChoiceOutput(Tokenizer tokenizer, StopConditions stop, StopStrings stopStrings, SamplerState sampler)
{
    readonly StreamingDetokenizer _detokenizer = new(tokenizer);
    readonly StopStringMatcher _matcher = new(stopStrings);
    readonly Queue<(TokenLogprob Token, int TextEnd)> _heldTokens = [];
    int _producedLength;
    int _releasedLength;

    public SamplerState Sampler => sampler;

    /// <summary>When the last token was drawn, as a time stamp of the engine's clock, or null before the first.</summary>
    public long? LastTokenAt { get; set; }

    /// <summary>Tokens generated, an end-of-generation token included.</summary>
    public int CompletionTokens { get; private set; }

    /// <summary>Takes the next token.</summary>
    /// <param name="token">Its id.</param>
    /// <param name="logprob">Its log-probability where these are reported, else null.</param>
    /// <param name="isLast">Whether the token limit or the context ends here.</param>
    public OutputStep Append(int token, TokenLogprob? logprob, bool isLast)
    {
        CompletionTokens++;
        if (!stop.IgnoreEndOfGeneration && tokenizer.IsEndOfGeneration(token))
            return End(new OutputStep { Finish = FinishReason.Stop });
        if (stop.TokenIds.Contains(token))
            return End(new OutputStep { Finish = FinishReason.Stop, StopTokenId = token });

        var produced = _detokenizer.Append(token);
        _producedLength += produced.Length;

        // A token without text of its own so far is part of a character that is not complete: it waits for the next text.
        if (logprob is not null)
            _heldTokens.Enqueue((logprob, produced.Length > 0 ? _producedLength : _producedLength + 1));

        var text = _matcher.Append(produced, mayStop: CompletionTokens >= stop.MinTokens, out var found);
        _releasedLength += text.Length;
        if (found is not null)
            return new OutputStep { Text = text, Tokens = ReleaseTokens(), Finish = FinishReason.Stop, StopString = found };
        var step = new OutputStep { Text = text, Tokens = ReleaseTokens() };
        return isLast ? End(step with { Finish = FinishReason.Length }) : step;
    }

    OutputStep End(OutputStep step)
    {
        var text = _matcher.Append(_detokenizer.Flush(), mayStop: true, out var found);
        if (found is not null)
        {
            _releasedLength += text.Length;
            return step with
            {
                Text = step.Text + text,
                Tokens = [.. step.Tokens, .. ReleaseTokens()],
                Finish = FinishReason.Stop,
                StopString = found,
                StopTokenId = null,
            };
        }

        _releasedLength = int.MaxValue;
        return step with { Text = step.Text + text + _matcher.Flush(), Tokens = [.. step.Tokens, .. ReleaseTokens()] };
    }

    IReadOnlyList<TokenLogprob> ReleaseTokens()
    {
        if (!_heldTokens.TryPeek(out var first) || first.TextEnd > _releasedLength)
            return [];
        var tokens = new List<TokenLogprob>();
        while (_heldTokens.TryPeek(out var held) && held.TextEnd <= _releasedLength)
            tokens.Add(_heldTokens.Dequeue().Token);
        return tokens;
    }
}

/// <summary>What one token adds to a choice.</summary>
internal readonly record struct OutputStep()
{
    /// <summary>Text that may be shown.</summary>
    public string Text { get; init; } = "";

    /// <summary>The tokens wholly inside the text shown so far that were not reported before.</summary>
    public IReadOnlyList<TokenLogprob> Tokens { get; init; } = [];

    /// <summary>Why the choice ends, or null where it goes on.</summary>
    public FinishReason? Finish { get; init; }

    public string? StopString { get; init; }

    public int? StopTokenId { get; init; }
}
