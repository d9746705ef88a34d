using System.Text;
using Formation.Inference.Engine.Reasoning;
using Formation.Inference.Engine.Sampling;
using Formation.Inference.Engine.Tokenization;

namespace Formation.Inference.Engine.Sequences;

/// <summary>
/// Turns the tokens of one choice into text that may be shown, and decides when the choice ends. Text that may be part of a stop string is
/// held back, and so are the tokens behind it; in a train of thought nothing is a stop string. Its sampler may be some tokens ahead of it, while those that a
/// step drew together are appended one by one.
/// </summary>
/// <param name="tokenizer">The model's.</param>
/// <param name="stop">When the choice ends.</param>
/// <param name="stopStrings">The texts that end it.</param>
/// <param name="sampler">The state of its sampler.</param>
/// <param name="shown">Control tokens that are text here, or null.</param>
/// <param name="reasoning">How a train of thought stands in the text, or null where there is none.</param>
internal sealed class ChoiceOutput(
    Tokenizer tokenizer, StopConditions stop, StopStrings stopStrings, SamplerState sampler, IReadOnlySet<int>? shown = null, ReasoningSyntax? reasoning = null)
{
    readonly StreamingDetokenizer _detokenizer = new(tokenizer, shown: shown);
    readonly StopStringMatcher _matcher = new(stopStrings);
    readonly Queue<HeldToken> _heldTokens = [];
    readonly StringBuilder _opening = new();
    ReasoningTracker<char> _reasoning = new([.. reasoning?.Opening ?? ""], [.. reasoning?.Closing ?? ""], [.. reasoning?.Gap ?? ""], reasoning?.IsOpen == true);
    int _producedLength;
    int _releasedLength;
    int _deliveredTokens;
    int _deliveredLength;

    readonly record struct HeldToken(int Id, TokenLogprob? Logprob, int TextEnd);

    public SamplerState Sampler => sampler;

    /// <summary>When the last token was drawn, as a time stamp of the engine's clock, or null before the first.</summary>
    public long? LastTokenAt { get; set; }

    /// <summary>Tokens generated, an end-of-generation token included.</summary>
    public int CompletionTokens { get; private set; }

    /// <summary>Tokens generated for the train of thought.</summary>
    public int ReasoningTokens { get; private set; }

    /// <summary>Takes the next token.</summary>
    /// <param name="token">Its id.</param>
    /// <param name="logprob">Its log-probability where these are reported, else null.</param>
    /// <param name="last">Why the choice ends with this token at the latest (a limit, or a text that is whole), or null.</param>
    public OutputStep Append(int token, TokenLogprob? logprob, FinishReason? last)
    {
        CompletionTokens++;
        if (!stop.IgnoreEndOfGeneration && tokenizer.IsEndOfGeneration(token))
            return Close(End(new OutputStep { Finish = FinishReason.Stop }), logprob);
        if (stop.TokenIds.Contains(token))
            return Close(End(new OutputStep { Finish = FinishReason.Stop, StopTokenId = token }), logprob);

        var text = Produce(token, logprob, mayStop: CompletionTokens >= stop.MinTokens, out var found);
        _releasedLength += text.Length;
        var step = LetOut(new OutputStep(), text);
        if (found is not null)
            return Close(step with { Finish = FinishReason.Stop, StopString = found });
        return last is null ? step : Close(End(step with { Finish = last }));
    }

    /// <summary>Takes a token that another engine has drawn and delivered: it did not end the choice, whatever it holds.</summary>
    public void Replay(int token)
    {
        CompletionTokens++;
        sampler.Accept(token);
        _releasedLength += Produce(token, null, mayStop: false, out _).Length;
    }

    /// <summary>Ends the replay: says how much of what is let out the reader has already, from the first token on.</summary>
    /// <param name="tokens">Tokens that were delivered.</param>
    /// <param name="length">Length of the text that was delivered.</param>
    public void Skip(int tokens, int length)
    {
        (_deliveredTokens, _deliveredLength) = (tokens, Math.Max(0, length - _releasedLength));
        ReleaseTokens();
    }

    OutputStep End(OutputStep step)
    {
        var text = Release(_detokenizer.Flush(), mayStop: true, out var found);
        if (found is null && _opening.Length > 0)
        {
            // It began like a thought and was none.
            text += _matcher.Append(_opening.ToString(), mayStop: true, out found);
            _opening.Clear();
        }

        if (found is not null)
        {
            _releasedLength += text.Length;
            return LetOut(step, text) with { Finish = FinishReason.Stop, StopString = found, StopTokenId = null };
        }

        text += _matcher.Flush();
        _releasedLength = int.MaxValue;
        return LetOut(step, text);
    }

    /// <summary>Adds to the last step the tokens that no step has reported: those held back for ever, and the one that ended the choice.</summary>
    OutputStep Close(OutputStep step, TokenLogprob? end = null)
    {
        TokenLogprob[] untold = [.. _heldTokens.Select(held => held.Logprob).Append(end).OfType<TokenLogprob>().Take(GenerationFinished.MaxEndTokens)];
        return step with { EndTokens = untold.Length == 0 ? [] : untold };
    }

    /// <summary>Makes text of a token, of which what may be shown is returned.</summary>
    string Produce(int token, TokenLogprob? logprob, bool mayStop, out string? found)
    {
        var produced = _detokenizer.Append(token);
        _producedLength += produced.Length;

        // A token without text of its own so far is part of a character that is not complete: it waits for the next text.
        _heldTokens.Enqueue(new HeldToken(token, logprob, produced.Length > 0 ? _producedLength : _producedLength + 1));
        return Release(produced, mayStop, out found);
    }

    /// <summary>Lets a train of thought out as it is, and what follows it as far as it is no part of a stop string.</summary>
    string Release(string text, bool mayStop, out string? found)
    {
        if (_reasoning.Phase == ReasoningPhase.Answer)
            return _matcher.Append(text, mayStop, out found);

        // What may open a thought waits until that is certain.
        var taken = _opening.Length;
        text = _opening + text;
        _opening.Clear();
        var hadThought = _reasoning.Phase != ReasoningPhase.Opening;
        for (; taken < text.Length && _reasoning.Take(text[taken]); taken++)
        {
            if (_reasoning.Phase != ReasoningPhase.Opening)
                hadThought = true;
            if (_reasoning.Phase == ReasoningPhase.Thought)
                ReasoningTokens = CompletionTokens;
        }

        found = null;
        if (_reasoning.Phase == ReasoningPhase.Opening)
        {
            _opening.Append(text);
            return "";
        }

        var thought = hadThought ? text[..taken] : "";
        return _reasoning.Phase == ReasoningPhase.Answer ? thought + _matcher.Append(text[thought.Length..], mayStop, out found) : thought;
    }

    /// <summary>Adds to a step what is let out now, without what the reader has.</summary>
    OutputStep LetOut(OutputStep step, string text)
    {
        var seen = Math.Min(_deliveredLength, text.Length);
        _deliveredLength -= seen;
        var (ids, tokens) = ReleaseTokens();
        return step with
        {
            Text = step.Text + (seen == 0 ? text : text[seen..]),
            TokenIds = step.TokenIds.Length == 0 ? ids : [.. step.TokenIds, .. ids],
            Tokens = step.Tokens.Count == 0 ? tokens : [.. step.Tokens, .. tokens],
        };
    }

    (int[] Ids, IReadOnlyList<TokenLogprob> Tokens) ReleaseTokens()
    {
        var count = 0;
        foreach (var held in _heldTokens)
        {
            if (held.TextEnd > _releasedLength)
                break;
            count++;
        }

        for (; count > 0 && _deliveredTokens > 0; count--, _deliveredTokens--)
            _heldTokens.Dequeue();
        if (count == 0)
            return ([], []);
        var ids = new int[count];
        var tokens = _heldTokens.Peek().Logprob is null ? [] : new TokenLogprob[count];
        for (var i = 0; i < count; i++)
        {
            var held = _heldTokens.Dequeue();
            ids[i] = held.Id;
            if (tokens.Length > 0)
                tokens[i] = held.Logprob!;
        }

        return (ids, tokens);
    }
}

/// <summary>What one token adds to a choice.</summary>
internal readonly record struct OutputStep()
{
    /// <summary>Text that may be shown.</summary>
    public string Text { get; init; } = "";

    /// <summary>The tokens wholly inside the text shown so far that were not reported before.</summary>
    public int[] TokenIds { get; init; } = [];

    /// <summary>Their log-probabilities, where these are reported.</summary>
    public IReadOnlyList<TokenLogprob> Tokens { get; init; } = [];

    /// <summary>At the end, those of the tokens that no step has reported, where log-probabilities are; null before.</summary>
    public IReadOnlyList<TokenLogprob>? EndTokens { get; init; }

    /// <summary>Why the choice ends, or null where it goes on.</summary>
    public FinishReason? Finish { get; init; }

    public string? StopString { get; init; }

    public int? StopTokenId { get; init; }
}
