using System.Text;

namespace Formation.Inference.Gateway.Tools;

/// <summary>
/// Tells the calls of tools in one choice's text from what the model says, while the text comes. The engine holds calls to the model's syntax, so a
/// call stands in the text exactly as that says. What may be the beginning of a call is held back.
/// </summary>
/// <param name="syntax">The model's.</param>
internal sealed class ToolCallReader(ToolCallSyntax syntax)
{
    readonly bool _anywhere = syntax.Sign is not null;
    readonly StringBuilder _held = new();
    readonly List<AnswerPiece> _pieces = [];
    State _state = State.Text;
    bool _hasText;
    int _depth;
    bool _inString, _isEscaped;

    enum State
    {
        Text,
        Name,
        Arguments,
        BehindArguments,
    }

    /// <summary>Calls that have begun.</summary>
    public int Calls { get; private set; }

    /// <summary>Takes more text.</summary>
    /// <returns>What is certain now; valid until the next call.</returns>
    public IReadOnlyList<AnswerPiece> Read(string text)
    {
        _pieces.Clear();
        _held.Append(text);
        while (_state switch
        {
            State.Text => ReadText(),
            State.Name => ReadName(),
            State.Arguments => ReadArguments(),
            _ => ReadBehindArguments(),
        })
        {
        }

        return _pieces;
    }

    /// <summary>The text has ended: what was held back as the beginning of a call was none.</summary>
    public IReadOnlyList<AnswerPiece> End()
    {
        _pieces.Clear();
        if (_state == State.Text && _held.Length > 0)
            Say(_held.Length);
        return _pieces;
    }

    // Each of these returns whether another state has something to read.

    bool ReadText()
    {
        string held = _held.ToString();
        int opening = _anywhere ? held.IndexOf(syntax.Opening, StringComparison.Ordinal)
            : !_hasText && held.StartsWith(syntax.Opening, StringComparison.Ordinal) ? 0 : -1;
        if (opening >= 0)
        {
            if (opening > 0)
                Say(opening);
            _held.Remove(0, syntax.Opening.Length);
            _state = State.Name;
            return true;
        }

        int certain = _anywhere || !_hasText ? held.Length - PossibleBeginning(held) : held.Length;
        if (certain > 0)
            Say(certain);
        return false;
    }

    /// <summary>Length of the end of a text that may be the beginning of a call.</summary>
    int PossibleBeginning(string text)
    {
        for (int length = Math.Min(text.Length, syntax.Opening.Length - 1); length > 0; length--)
            if ((_anywhere || length == text.Length) && text.EndsWith(syntax.Opening[..length], StringComparison.Ordinal))
                return length;
        return 0;
    }

    void Say(int length)
    {
        _pieces.Add(new AnswerPiece(AnswerPieceKind.Text, Calls, _held.ToString(0, length)));
        _held.Remove(0, length);
        _hasText = true;
    }

    bool ReadName()
    {
        int end = _held.ToString().IndexOf(syntax.Between, StringComparison.Ordinal);
        if (end < 0)
            return false;
        _pieces.Add(new AnswerPiece(AnswerPieceKind.Call, Calls++, _held.ToString(0, end)));
        _held.Remove(0, end + syntax.Between.Length);
        (_depth, _inString, _isEscaped, _state) = (0, false, false, State.Arguments);
        return true;
    }

    // The arguments end where the brace that they begin with is closed.
    bool ReadArguments()
    {
        int read = 0;
        for (bool hasEnded = false; read < _held.Length && !hasEnded; read++)
            hasEnded = Ends(_held[read]);
        if (read > 0)
            _pieces.Add(new AnswerPiece(AnswerPieceKind.Arguments, Calls - 1, _held.ToString(0, read)));
        _held.Remove(0, read);
        if (read == 0 || _depth > 0)
            return false;
        _state = State.BehindArguments;
        return true;
    }

    bool Ends(char next)
    {
        if (_inString)
        {
            _inString = _isEscaped || next != '"';
            _isEscaped = !_isEscaped && next == '\\';
            return false;
        }

        _inString = next == '"';
        _depth += next is '{' or '[' ? 1 : next is '}' or ']' ? -1 : 0;
        return _depth == 0;
    }

    bool ReadBehindArguments()
    {
        string another = syntax.After + syntax.Separator;
        if (syntax.Separator is null || !_held.ToString().StartsWith(another, StringComparison.Ordinal))
            return false;
        _held.Remove(0, another.Length);
        _state = State.Name;
        return true;
    }
}
