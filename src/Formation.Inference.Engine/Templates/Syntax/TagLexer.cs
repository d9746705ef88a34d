using System.Globalization;
using System.Numerics;
using System.Text;

namespace Formation.Inference.Engine.Templates.Syntax;

/// <summary>Reads the tokens inside one tag (<c>{{ … }}</c> or <c>{% … %}</c>).</summary>
internal sealed class TagLexer(SourceText source, List<Token> tokens, int maxNumberLength)
{
    /// <summary>Longer ones first, so that <c>**</c> is not read as two.</summary>
    static readonly string[] Operators =
    [
        "**", "//", "==", "!=", ">=", "<=",
        "+", "-", "/", "*", "%", "~", "[", "]", "(", ")", "{", "}", ">", "<", "=", ".", ":", "|", ",", ";",
    ];

    readonly string _text = source.Text;
    readonly Stack<char> _open = new();
    int _at;

    /// <summary>Reads from <paramref name="start"/> to the closing delimiter.</summary>
    /// <param name="close"><c>}}</c> or <c>%}</c>.</param>
    /// <returns>The offset after the delimiter and the white space that it swallows.</returns>
    public int Read(int start, string close)
    {
        _at = start;
        _open.Clear();
        while (true)
        {
            while (_at < _text.Length && PythonWhitespace.IsSpace(_text[_at]))
                _at++;
            if (_at >= _text.Length)
                throw Error($"'{close}' is missing.", start - 2);
            if (_open.Count == 0 && TryClose(close) is { } after)
                return after;
            ReadToken();
        }
    }

    int? TryClose(string close)
    {
        var sign = _text[_at] is '-' or '+' ? _text[_at] : '\0';
        var at = sign == '\0' ? _at : _at + 1;
        if (string.CompareOrdinal(_text, at, close, 0, close.Length) != 0 || (sign == '+' && close == "}}"))
            return null;
        tokens.Add(new Token(close == "}}" ? TokenKind.OutputEnd : TokenKind.BlockEnd, close, source.PositionAt(_at)));
        at += close.Length;
        if (sign == '-')
            return TemplateLexer.SkipSpace(_text, at);
        return close == "%}" && sign == '\0' && at < _text.Length && _text[at] == '\n' ? at + 1 : at;
    }

    void ReadToken()
    {
        var c = _text[_at];
        if (char.IsAsciiDigit(c))
            ReadNumber();
        else if (c is '\'' or '"')
            ReadString(c);
        else if (c == '_' || char.IsLetter(c))
            ReadName();
        else
            ReadOperator();
    }

    void ReadName()
    {
        var start = _at;
        while (_at < _text.Length && (_text[_at] == '_' || char.IsLetterOrDigit(_text[_at])))
            _at++;
        tokens.Add(new Token(TokenKind.Name, _text[start.._at], source.PositionAt(start)));
    }

    void ReadOperator()
    {
        foreach (var op in Operators)
        {
            if (string.CompareOrdinal(_text, _at, op, 0, op.Length) != 0)
                continue;
            if (op is "(" or "[" or "{")
                _open.Push(op switch { "(" => ')', "[" => ']', _ => '}' });
            else if (op is ")" or "]" or "}")
                CloseBracket(op[0]);
            tokens.Add(new Token(TokenKind.Operator, op, source.PositionAt(_at)));
            _at += op.Length;
            return;
        }
        throw Error($"unexpected character U+{(int)_text[_at]:X4}.", _at);
    }

    void CloseBracket(char bracket)
    {
        if (!_open.TryPop(out var expected))
            throw Error($"'{bracket}' closes nothing that is open here.", _at);
        if (expected != bracket)
            throw Error($"expected '{expected}', found '{bracket}'.", _at);
    }

    void ReadNumber()
    {
        var start = _at;
        if (_text[_at] == '0' && _at + 1 < _text.Length && RadixOf(_text[_at + 1]) is { } radix)
        {
            _at += 2;
            ReadPrefixedInteger(start, radix);
            return;
        }
        SkipDigits();
        var isFloat = false;
        var afterDot = start > 0 && _text[start - 1] == '.';
        if (!afterDot && Peek(0) == '.' && char.IsAsciiDigit(Peek(1)))
        {
            isFloat = true;
            _at++;
            SkipDigits();
        }
        if (!afterDot && Peek(0) is 'e' or 'E' && (char.IsAsciiDigit(Peek(1)) || (Peek(1) is '+' or '-' && char.IsAsciiDigit(Peek(2)))))
        {
            isFloat = true;
            _at += 2;
            SkipDigits();
        }
        var digits = NumberText(start);
        var position = source.PositionAt(start);
        if (isFloat)
            AddFloat(double.Parse(digits, NumberStyles.Float, CultureInfo.InvariantCulture), position);
        else
            AddInteger(BigInteger.Parse(digits, NumberStyles.None, CultureInfo.InvariantCulture), position);
    }

    void AddFloat(double value, SourcePosition position) => tokens.Add(new Token(TokenKind.Float, "", position) { Float = value });

    void AddInteger(BigInteger value, SourcePosition position) =>
        tokens.Add(new Token(TokenKind.Integer, "", position) { Integer = value });

    void ReadPrefixedInteger(int start, int radix)
    {
        var value = BigInteger.Zero;
        var digits = 0;
        for (; _at < _text.Length; _at++)
        {
            if (_text[_at] == '_')
                continue;
            if (!char.IsAsciiHexDigit(_text[_at]) || Convert.ToInt32(_text[_at].ToString(), 16) is var digit && digit >= radix)
                break;
            if (++digits > maxNumberLength)
                throw NumberTooLong(start);
            value = value * radix + digit;
        }
        if (digits == 0)
            throw Error("a number has no digits after its prefix.", start);
        AddInteger(value, source.PositionAt(start));
    }

    string NumberText(int start)
    {
        if (_at - start > maxNumberLength)
            throw NumberTooLong(start);
        return _text[start.._at].Replace("_", "");
    }

    TemplateException NumberTooLong(int start) =>
        new(TemplateErrorKind.LimitExceeded, $"a number has more than {maxNumberLength} digits.", source.PositionAt(start));

    void SkipDigits()
    {
        while (char.IsAsciiDigit(Peek(0)) || (Peek(0) == '_' && char.IsAsciiDigit(Peek(1))))
            _at++;
    }

    void ReadString(char quote)
    {
        var start = _at++;
        var value = new StringBuilder();
        while (true)
        {
            if (_at >= _text.Length)
                throw Error("a string is not closed.", start);
            var c = _text[_at++];
            if (c == quote)
                break;
            if (c == '\\')
                ReadEscape(value, start);
            else
                value.Append(c);
        }
        tokens.Add(new Token(TokenKind.String, value.ToString(), source.PositionAt(start)));
    }

    /// <summary>Python's string escapes; an unknown one stays as it is written.</summary>
    void ReadEscape(StringBuilder value, int stringStart)
    {
        if (_at >= _text.Length)
            throw Error("a string is not closed.", stringStart);
        var c = _text[_at++];
        switch (c)
        {
            case '\n': break;
            case '\\' or '\'' or '"': value.Append(c); break;
            case 'n': value.Append('\n'); break;
            case 'r': value.Append('\r'); break;
            case 't': value.Append('\t'); break;
            case 'a': value.Append('\a'); break;
            case 'b': value.Append('\b'); break;
            case 'f': value.Append('\f'); break;
            case 'v': value.Append('\v'); break;
            case 'x': value.Append((char)ReadHex(2)); break;
            case 'u': value.Append((char)ReadHex(4)); break;
            case 'U': AppendCodePoint(value, ReadHex(8)); break;
            case >= '0' and <= '7': value.Append((char)ReadOctal()); break;
            default: value.Append('\\').Append(c); break;
        }
    }

    void AppendCodePoint(StringBuilder value, long codePoint)
    {
        if (codePoint > 0x10FFFF)
            throw Error("an escape names no character.", _at - 10);
        if (codePoint >= 0x10000)
            value.Append(char.ConvertFromUtf32((int)codePoint));
        else
            value.Append((char)codePoint);
    }

    long ReadHex(int digits)
    {
        if (_at + digits > _text.Length
            || !long.TryParse(_text.AsSpan(_at, digits), NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out var value))
            throw Error($"an escape needs {digits} hexadecimal digits.", _at - 2);
        _at += digits;
        return value;
    }

    int ReadOctal()
    {
        var value = _text[_at - 1] - '0';
        for (var i = 0; i < 2 && Peek(0) is >= '0' and <= '7'; i++)
            value = value * 8 + (_text[_at++] - '0');
        return value;
    }

    static int? RadixOf(char prefix) => prefix switch { 'x' or 'X' => 16, 'o' or 'O' => 8, 'b' or 'B' => 2, _ => null };

    char Peek(int ahead) => _at + ahead < _text.Length ? _text[_at + ahead] : '\0';

    TemplateException Error(string message, int offset) => new(TemplateErrorKind.Syntax, message, source.PositionAt(offset));
}
