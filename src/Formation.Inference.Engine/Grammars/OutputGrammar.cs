using System.Numerics;
using Formation.Inference.Engine.Tokenization;

namespace Formation.Inference.Engine.Grammars;

/// <summary>
/// A grammar over the tokens of one model: which of them may follow a text. What is found out about it serves all texts that are written by it, and is
/// kept up to a bound; beyond that it is forgotten and found out again. Safe from any thread, one at a time.
/// </summary>
/// <param name="automaton">The grammar.</param>
/// <param name="vocabulary">The tokens that stand for text.</param>
/// <param name="tokenizer">The model's, for the bytes of a token.</param>
internal sealed class OutputGrammar(GrammarAutomaton automaton, TokenTrie vocabulary, Tokenizer tokenizer)
{
    private readonly Lock _turn = new();
    private GrammarMatcher? _matcher;
    private TokenMasks? _masks;
    private int _age = 1;

    /// <summary>Whether a text is whole: it may end, and nothing can follow.</summary>
    /// <exception cref="GrammarException">There are too many ways to read the text, or it is none by this grammar.</exception>
    public bool IsComplete(GrammarText text)
    {
        lock (_turn)
        {
            var matcher = Follow(text);
            return matcher.MayEnd(text.Place) && !matcher.MayGoOn(text.Place);
        }
    }

    /// <summary>Sets the logits of the tokens that may not follow a text to minus infinity.</summary>
    /// <param name="text">The text so far.</param>
    /// <param name="logits">One row.</param>
    /// <returns>Whether the text may end here.</returns>
    /// <exception cref="GrammarException">There are too many ways to read the text, or it is none by this grammar.</exception>
    public bool Constrain(GrammarText text, Span<float> logits)
    {
        lock (_turn)
        {
            var matcher = Follow(text);
            Forbid(_masks!.At(text.Place), logits);
            return matcher.MayEnd(text.Place);
        }
    }

    // Catches up with the tokens that the text has got since the last look, or with all of them where its place was forgotten.
    private GrammarMatcher Follow(GrammarText text)
    {
        _matcher ??= new GrammarMatcher(automaton);
        _masks ??= new TokenMasks(_matcher, vocabulary);
        if (_matcher.Clear())
        {
            _masks.Clear();
            _age++;
        }
        if (text.Age != _age)
            (text.Age, text.Place, text.Followed) = (_age, _matcher.Start, 0);
        for (; text.Followed < text.Tokens.Count; text.Followed++)
        {
            var next = _matcher.Step(text.Place, tokenizer.TokenBytes(text.Tokens[text.Followed]).Span);
            if (next == GrammarMatcher.Dead)
                throw new GrammarException("the text so far is none by the grammar");
            text.Place = next;
        }
        return _matcher;
    }

    private static void Forbid(ReadOnlySpan<ulong> allowed, Span<float> logits)
    {
        for (var first = 0; first < logits.Length; first += 64)
        {
            var part = logits[first..Math.Min(logits.Length, first + 64)];
            var bits = first / 64 < allowed.Length ? allowed[first / 64] : 0;
            if (bits == 0)
            {
                part.Fill(float.NegativeInfinity);
                continue;
            }
            for (var forbidden = ~bits; forbidden != 0; forbidden &= forbidden - 1)
            {
                var token = BitOperations.TrailingZeroCount(forbidden);
                if (token >= part.Length)
                    break;
                part[token] = float.NegativeInfinity;
            }
        }
    }
}
