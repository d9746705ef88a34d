namespace Formation.Inference.Engine.Templates.Syntax;

/// <summary>
/// Cuts a template into text and tags, with white space control as Hugging Face configures Jinja: <c>trim_blocks</c> (a line break
/// right after a block or comment goes) and <c>lstrip_blocks</c> (white space before a block or comment that begins its line goes);
/// <c>-</c> takes all white space on its side, <c>+</c> leaves it.
/// </summary>
internal sealed class TemplateLexer
{
    readonly SourceText _source;
    readonly string _text;
    readonly List<Token> _tokens = [];
    readonly TagLexer _tag;

    TemplateLexer(SourceText source, int maxNumberLength)
    {
        _source = source;
        _text = source.Text;
        _tag = new TagLexer(source, _tokens, maxNumberLength);
    }

    public static List<Token> Read(string source, ChatTemplateLimits limits)
    {
        // A decimal digit holds more than three bits, so this many digits never fit the limit on integers.
        var lexer = new TemplateLexer(new SourceText(source), limits.MaxIntegerBits / 3);
        lexer.Read();
        return lexer._tokens;
    }

    public static int SkipSpace(string text, int at)
    {
        while (at < text.Length && PythonWhitespace.IsSpace(text[at]))
            at++;
        return at;
    }

    void Read()
    {
        var at = 0;
        while (FindTag(at) is var tag && tag >= 0)
        {
            AddData(at, TextEnd(at, tag));
            var content = tag + 2;
            if (content < _text.Length && _text[content] is '-' or '+')
                content++;
            at = _text[tag + 1] switch
            {
                '#' => SkipComment(tag, content),
                '{' => ReadTag(TokenKind.OutputBegin, tag, content, "}}"),
                _ => RawStart(content) is { } raw ? ReadRaw(tag, raw) : ReadTag(TokenKind.BlockBegin, tag, content, "%}"),
            };
        }
        AddData(at, _text.Length);
        _tokens.Add(new Token(TokenKind.End, "", _source.PositionAt(_text.Length)));
    }

    int FindTag(int from)
    {
        for (var i = _text.IndexOf('{', from); i >= 0 && i + 1 < _text.Length; i = _text.IndexOf('{', i + 1))
        {
            if (_text[i + 1] is '{' or '%' or '#')
                return i;
        }
        return -1;
    }

    /// <summary>Where the text before a tag ends once the tag's control of white space on its left is applied.</summary>
    int TextEnd(int start, int tag)
    {
        var sign = tag + 2 < _text.Length ? _text[tag + 2] : '\0';
        var end = tag;
        if (sign == '-')
        {
            while (end > start && PythonWhitespace.IsSpace(_text[end - 1]))
                end--;
            return end;
        }
        if (sign == '+' || _text[tag + 1] == '{')
            return tag;
        var lineStart = start == tag ? tag : _text.LastIndexOf('\n', tag - 1, tag - start) + 1;
        if (lineStart <= start)
        {
            if (start > 0 && _text[start - 1] != '\n')
                return tag;
            lineStart = start;
        }
        return SkipSpace(_text, lineStart) >= tag ? lineStart : tag;
    }

    int SkipComment(int tag, int content)
    {
        var end = _text.IndexOf("#}", content, StringComparison.Ordinal);
        if (end < 0)
            throw new TemplateException(TemplateErrorKind.Syntax, "a comment is not closed; '#}' is missing.", _source.PositionAt(tag));
        return AfterClose(end, end > content ? _text[end - 1] : '\0');
    }

    /// <summary>The offset behind a closing delimiter at <paramref name="close"/> and behind the white space that it swallows.</summary>
    int AfterClose(int close, char sign)
    {
        var at = close + 2;
        if (sign == '-')
            return SkipSpace(_text, at);
        return sign != '+' && at < _text.Length && _text[at] == '\n' ? at + 1 : at;
    }

    int ReadTag(TokenKind begin, int tag, int content, string close)
    {
        _tokens.Add(new Token(begin, "", _source.PositionAt(tag)));
        return _tag.Read(content, close);
    }

    /// <summary>Where the text of a raw block starts, if the block whose content is at <paramref name="content"/> is one.</summary>
    int? RawStart(int content) => MatchKeywordBlock(content, "raw") switch
    {
        ({ } close, '-') => SkipSpace(_text, close + 2),
        ({ } close, not '+') => close + 2,
        _ => null,
    };

    /// <summary>Matches <c>keyword</c>, an optional sign and <c>%}</c>; gives where the <c>%}</c> is.</summary>
    (int? Close, char Sign) MatchKeywordBlock(int content, string keyword)
    {
        var at = SkipSpace(_text, content);
        if (string.CompareOrdinal(_text, at, keyword, 0, keyword.Length) != 0)
            return default;
        at = SkipSpace(_text, at + keyword.Length);
        var sign = at < _text.Length && _text[at] is '-' or '+' ? _text[at] : '\0';
        if (sign != '\0')
            at++;
        return string.CompareOrdinal(_text, at, "%}", 0, 2) == 0 ? (at, sign) : default;
    }

    int ReadRaw(int tag, int start)
    {
        for (var i = _text.IndexOf("{%", start, StringComparison.Ordinal); i >= 0; i = _text.IndexOf("{%", i + 2, StringComparison.Ordinal))
        {
            var content = i + 2;
            if (content < _text.Length && _text[content] is '-' or '+')
                content++;
            if (MatchKeywordBlock(content, "endraw") is not ({ } close, var sign))
                continue;
            AddData(start, TextEnd(start, i));
            return AfterClose(close, sign);
        }
        throw new TemplateException(TemplateErrorKind.Syntax, "'raw' is not closed; '{% endraw %}' is missing.", _source.PositionAt(tag));
    }

    void AddData(int start, int end)
    {
        if (end > start)
            _tokens.Add(new Token(TokenKind.Data, _text[start..end], _source.PositionAt(start)));
    }
}
