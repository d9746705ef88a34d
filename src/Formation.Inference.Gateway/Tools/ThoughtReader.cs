using System.Text;

namespace Formation.Inference.Gateway.Tools;

/// <summary>
/// Tells a train of thought from the answer behind it in one choice's text, while the text comes. White space around the thought is left out, and what
/// may be the beginning of its end is held back.
/// </summary>
/// <param name="syntax">How it stands in the text.</param>
internal sealed class ThoughtReader(ReasoningSyntax syntax)
{
    /// <summary>White space in the middle of a thought that is held back because it may be its end.</summary>
    const int MaxHeldSpace = 256;

    readonly StringBuilder _held = new();
    State _state = syntax.IsOpen ? State.Thought : State.Opening;
    bool _hasBegun;
    int _gap;

    enum State
    {
        Opening,
        Thought,
        Gap,
        Answer,
    }

    /// <summary>Takes more text, and says what of it is certain to be thought, and what to be answer.</summary>
    internal (string Thought, string Answer) Read(string text)
    {
        if (_state == State.Answer)
            return ("", text);
        _held.Append(text);
        string thought = "";
        if (_state == State.Opening)
            ReadOpening();
        if (_state == State.Thought)
            thought = ReadThought();
        if (_state == State.Gap)
            ReadGap();
        return (thought, _state == State.Answer ? TakeHeld() : "");
    }

    /// <summary>The text has ended: what was held back is the end of one or the other.</summary>
    internal (string Thought, string Answer) End()
    {
        string held = TakeHeld();
        return _state == State.Thought ? (Said(held).TrimEnd(), "") : ("", held);
    }

    string TakeHeld()
    {
        string held = _held.ToString();
        _held.Clear();
        return held;
    }

    void ReadOpening()
    {
        string held = _held.ToString();
        if (held.StartsWith(syntax.Opening, StringComparison.Ordinal))
        {
            _held.Remove(0, syntax.Opening.Length);
            _state = State.Thought;
        }
        else if (!syntax.Opening.StartsWith(held, StringComparison.Ordinal))
            _state = State.Answer;
    }

    string ReadThought()
    {
        string held = _held.ToString();
        int end = held.IndexOf(syntax.Closing, StringComparison.Ordinal);
        if (end >= 0)
        {
            _held.Remove(0, end + syntax.Closing.Length);
            _state = State.Gap;
            return Said(held[..end]).TrimEnd();
        }

        int certain = held.Length - PossibleEnd(held);
        int words = held.AsSpan(0, certain).TrimEnd().Length;
        if (certain - words <= MaxHeldSpace)
            certain = words;
        _held.Remove(0, certain);
        return Said(held[..certain]);
    }

    /// <summary>A piece of the thought, without the white space that it begins with.</summary>
    string Said(string piece)
    {
        if (!_hasBegun)
            piece = piece.TrimStart();
        _hasBegun |= piece.Length > 0;
        return piece;
    }

    /// <summary>Length of the end of a text that may be the beginning of the thought's end.</summary>
    int PossibleEnd(string text)
    {
        for (int length = Math.Min(text.Length, syntax.Closing.Length - 1); length > 0; length--)
            if (text.EndsWith(syntax.Closing[..length], StringComparison.Ordinal))
                return length;
        return 0;
    }

    void ReadGap()
    {
        while (_gap < syntax.Gap.Length && _held.Length > 0 && _held[0] == syntax.Gap[_gap])
        {
            _held.Remove(0, 1);
            _gap++;
        }

        if (_gap == syntax.Gap.Length || _held.Length > 0)
            _state = State.Answer;
    }
}
