using System.Text;
using Formation.Inference.Gateway.OpenAI.Answers;

namespace Formation.Inference.Gateway.HuggingFace.TextGeneration;

/// <summary>
/// Divides the text of one choice among its tokens, so that what they add makes the text: a character that is split over several tokens belongs to
/// the last of them, what a stop string leaves of its last token to that, and special tokens add nothing.
/// </summary>
internal sealed class TokenTexts
{
    readonly Decoder _decoder = Encoding.UTF8.GetDecoder();
    readonly StringBuilder _all = new();
    int _given;

    /// <summary>All of the text so far.</summary>
    internal string Text => _all.ToString();

    /// <summary>Text that comes before or with its tokens.</summary>
    internal void Add(string text) => _all.Append(text);

    /// <summary>The next tokens with what they add.</summary>
    internal IEnumerable<GeneratedToken> Of(IReadOnlyList<TokenLogprob> tokens) => tokens.Select(token =>
        new GeneratedToken(token.TokenId, token.IsSpecial ? Alone(token.Bytes) : Take(Length(token.Bytes.Span)), Logprob(token.Logprob), token.IsSpecial));

    /// <summary>
    /// The last tokens, with what no token had before: behind the last one that is text, or, where there is none, before the first, in a token that is
    /// not told of otherwise.
    /// </summary>
    /// <param name="finished">The end; its stop string stands at the end of the text.</param>
    internal List<GeneratedToken> End(GenerationFinished finished)
    {
        _all.Append(finished.StopString);
        List<GeneratedToken> tokens = [.. Of(finished.EndTokens)];
        string rest = Take(int.MaxValue);
        int last = tokens.FindLastIndex(token => !token.Special);
        if (last >= 0)
            tokens[last] = tokens[last] with { Text = tokens[last].Text + rest };
        else if (rest.Length > 0)
            tokens.Insert(0, new GeneratedToken(0, rest, 0, Special: false));
        return tokens;
    }

    /// <summary>The most probable tokens in each place, or null where none were asked for.</summary>
    internal static IReadOnlyList<GeneratedToken>? Top(TokenLogprob token) => token.Top.Count == 0
        ? null
        : [.. token.Top.Select(each => new GeneratedToken(each.TokenId, Alone(each.Bytes), Logprob(each.Logprob), each.IsSpecial))];

    /// <summary>A token's own text; bytes that are not whole characters as U+FFFD.</summary>
    internal static string Alone(ReadOnlyMemory<byte> bytes) => Encoding.UTF8.GetString(bytes.Span);

    /// <summary>A log-probability as JSON can have it; the lowest one where there is none.</summary>
    internal static float Logprob(float? logprob) => TokenText.Logprob(logprob ?? float.NaN);

    int Length(ReadOnlySpan<byte> bytes)
    {
        Span<char> buffer = stackalloc char[64];
        int length = 0;
        while (true)
        {
            _decoder.Convert(bytes, buffer, flush: false, out int used, out int written, out bool completed);
            length += written;
            bytes = bytes[used..];
            if (completed)
                return length;
        }
    }

    string Take(int length)
    {
        length = Math.Min(length, _all.Length - _given);
        string text = _all.ToString(_given, length);
        _given += length;
        return text;
    }
}
