using System.Text;
using Formation.Inference.Gateway.OpenAI.Answers;

namespace Formation.Inference.Gateway.OpenAI.Responses.Background;

/// <summary>
/// Makes a response's events depend on its text alone, and not on the steps in which it came: words, and long ones in parts. So whoever runs a response
/// again, which gives the same text, tells the same events with the same numbers, and a stream goes on where it broke off.
/// </summary>
internal sealed class SteadyEvents
{
    const int MaxPieceLength = 16;

    readonly List<ChatTokenLogprob> _tokens = [];
    ResponseStreamEvent? _waiting;
    string _text = "";
    int _untoldBytes;
    int _next;

    /// <summary>The events that can be told once there is one more of the response's own.</summary>
    internal IEnumerable<ResponseStreamEvent> Add(ResponseStreamEvent item)
    {
        if (TextOf(item) is not { } text)
        {
            if (_waiting is not null && (_text.Length > 0 || _tokens.Count > 0))
                yield return Number(With(_waiting, _text, [.. _tokens]));
            (_waiting, _text, _untoldBytes) = (null, "", 0);
            _tokens.Clear();
            yield return Number(item);
            yield break;
        }

        _waiting = item;
        _text += text;
        if (item is TextDeltaEvent { Logprobs: var tokens })
            _tokens.AddRange(tokens);
        while (PieceLength(_text) is > 0 and var length)
        {
            string piece = _text[..length];
            _text = _text[length..];
            yield return Number(With(item, piece, TakeTokens(piece)));
        }
    }

    ResponseStreamEvent Number(ResponseStreamEvent item) => item with { SequenceNumber = _next++ };

    /// <summary>The length of the first piece, or 0 where it may become longer.</summary>
    static int PieceLength(string text)
    {
        for (int i = 1; i < text.Length; i++)
        {
            if (char.IsWhiteSpace(text[i]) && !char.IsWhiteSpace(text[i - 1]))
                return i;
            if (i >= MaxPieceLength && !char.IsLowSurrogate(text[i]))
                return i;
        }

        return 0;
    }

    /// <summary>The tokens that make up a piece; one that reaches into the next piece belongs to this one.</summary>
    ChatTokenLogprob[] TakeTokens(string piece)
    {
        _untoldBytes += Encoding.UTF8.GetByteCount(piece);
        int count = 0;
        while (count < _tokens.Count && _untoldBytes > 0)
            _untoldBytes -= _tokens[count++].Bytes.Count;
        ChatTokenLogprob[] tokens = [.. _tokens.Take(count)];
        _tokens.RemoveRange(0, count);
        return tokens;
    }

    static string? TextOf(ResponseStreamEvent item) => item switch
    {
        TextDeltaEvent text => text.Delta,
        ReasoningDeltaEvent thought => thought.Delta,
        ArgumentsDeltaEvent arguments => arguments.Delta,
        _ => null,
    };

    static ResponseStreamEvent With(ResponseStreamEvent item, string text, ChatTokenLogprob[] tokens) => item switch
    {
        TextDeltaEvent each => each with { Delta = text, Logprobs = tokens },
        ReasoningDeltaEvent each => each with { Delta = text },
        ArgumentsDeltaEvent each => each with { Delta = text },
        _ => item,
    };
}
