using Formation.Inference.Gateway.OpenAI.Answers;

namespace Formation.Inference.Gateway.OpenAI.Completions;

/// <summary>Turns the tokens of one choice, in order, into <see cref="CompletionLogprobs"/>, whole or in pieces.</summary>
/// <param name="top">Alternatives to list for each token.</param>
/// <param name="firstOffset">Code points before the first token.</param>
internal sealed class CompletionLogprobsWriter(int top, int firstOffset)
{
    const string Prefix = "bytes:";
    int _offset = firstOffset;

    internal CompletionLogprobs Write(IReadOnlyList<TokenLogprob> tokens)
    {
        var texts = new string[tokens.Count];
        var logprobs = new float?[tokens.Count];
        var alternatives = top > 0 ? new IReadOnlyDictionary<string, float>?[tokens.Count] : null;
        var offsets = new int[tokens.Count];
        for (int i = 0; i < texts.Length; i++)
        {
            TokenLogprob token = tokens[i];
            texts[i] = TokenText.Of(token.Bytes, Prefix);
            logprobs[i] = token.Logprob is { } logprob ? TokenText.Logprob(logprob) : null;
            if (alternatives is not null)
                alternatives[i] = token.Logprob is null ? null : Alternatives(token, texts[i]);
            offsets[i] = Advance(token.Bytes.Span);
        }

        return new CompletionLogprobs(texts, logprobs, alternatives, offsets);
    }

    static Dictionary<string, float> Alternatives(TokenLogprob token, string text)
    {
        // Two tokens may have one text; the more probable one, which comes first, stands for both.
        var alternatives = new Dictionary<string, float>(StringComparer.Ordinal);
        foreach (TokenAlternative alternative in token.Top)
            alternatives.TryAdd(TokenText.Of(alternative.Bytes, Prefix), TokenText.Logprob(alternative.Logprob));
        alternatives.TryAdd(text, TokenText.Logprob(token.Logprob!.Value));
        return alternatives;
    }

    /// <summary>The offset of a token; one that begins inside a character has that character's.</summary>
    int Advance(ReadOnlySpan<byte> bytes)
    {
        int begin = bytes.Length > 0 && IsContinuation(bytes[0]) ? Math.Max(0, _offset - 1) : _offset;
        foreach (byte b in bytes)
            if (!IsContinuation(b))
                _offset++;
        return begin;
    }

    static bool IsContinuation(byte utf8) => (utf8 & 0xC0) == 0x80;
}
