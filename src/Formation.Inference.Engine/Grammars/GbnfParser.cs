using System.Globalization;
using System.Text;

namespace Formation.Inference.Engine.Grammars;

/// <summary>
/// Reads grammars in GBNF, llama.cpp's notation: rules <c>name ::= ...</c> with texts in quotes, classes of characters, <c>.</c>, groups, alternatives,
/// <c>* + ? {2,5}</c> and comments behind <c>#</c>. The whole text is the rule <c>root</c>. A rule ends with its line, unless a group is open or the line
/// ends with <c>|</c> or <c>::=</c>.
/// </summary>
public ref struct GbnfParser
{
    /// <summary>Characters of a grammar at most.</summary>
    public const int MostLength = 256 * 1024;

    private const int MostDepth = 100;
    private const int MostCount = 100_000;
    private const string Root = "root";

    private readonly string _text;
    private readonly Dictionary<string, GrammarExpression> _rules = new(StringComparer.Ordinal);
    private readonly Dictionary<string, int> _uses = new(StringComparer.Ordinal);
    private int _at;
    private int _depth;

    private GbnfParser(string text) => _text = text;

    /// <summary>The grammar that a text describes.</summary>
    /// <exception cref="GrammarException">It is malformed; the message says in which line and column, and why.</exception>
    public static GrammarDefinition Parse(string text)
    {
        if (text.Length > MostLength)
            throw new GrammarException($"the grammar has {text.Length} characters; {MostLength} are allowed");
        var parser = new GbnfParser(text);
        parser.Rules();
        return new GrammarDefinition(Root, parser._rules);
    }

    private void Rules()
    {
        for (Pass(overLines: true); _at < _text.Length; Pass(overLines: true))
        {
            var start = _at;
            var name = Name() ?? throw Fault("a rule begins with its name");
            Pass(overLines: false);
            if (!TryTake("::="))
                throw Fault("'::=' is missing behind the name of a rule");
            Pass(overLines: true);
            var expression = Alternatives(isGroup: false);
            if (_at < _text.Length && _text[_at] is not ('\r' or '\n'))
                throw Fault(_text[_at] == ')' ? "')' has no '('" : "this can't stand in a rule");
            if (!_rules.TryAdd(name, expression))
                throw Fault($"there is a rule '{name}' already", start);
        }
        foreach (var (name, at) in _uses)
            if (!_rules.ContainsKey(name))
                throw Fault($"there is no rule '{name}'", at);
        if (!_rules.ContainsKey(Root))
            throw Fault($"there is no rule '{Root}', which says what the whole text is");
    }

    private GrammarExpression Alternatives(bool isGroup)
    {
        if (++_depth > MostDepth)
            throw Fault($"groups stand more than {MostDepth} deep in each other");
        var alternatives = new List<GrammarExpression>();
        do
        {
            Pass(overLines: isGroup || alternatives.Count > 0);
            var parts = new List<GrammarExpression>();
            while (Item() is { } item)
            {
                Pass(isGroup);
                parts.Add(Quantified(item, isGroup));
            }
            alternatives.Add(GrammarExpression.Sequence([.. parts]));
        }
        while (TryTake("|"));
        _depth--;
        return GrammarExpression.Choice([.. alternatives]);
    }

    // Null where none begins.
    private GrammarExpression? Item()
    {
        if (_at == _text.Length)
            return null;
        switch (_text[_at])
        {
            case '"':
                return Literal();
            case '[':
                return Class();
            case '.':
                _at++;
                return GrammarExpression.Characters(CharacterRange.All);
            case '(':
                var start = _at++;
                var inside = Alternatives(isGroup: true);
                return TryTake(")") ? inside : throw Fault("'(' is not closed", start);
            case '*' or '+' or '?' or '{':
                throw Fault("a quantifier has nothing before it");
            case '<' or '!':
                throw Fault("single tokens can't be part of a grammar here; write their text");
            default:
                var at = _at;
                if (Name() is not { } name)
                    return null;
                _uses.TryAdd(name, at);
                return GrammarExpression.Rule(name);
        }
    }

    private GrammarExpression Quantified(GrammarExpression item, bool isGroup)
    {
        for (; ; Pass(isGroup))
        {
            if (TryTake("*"))
                item = GrammarExpression.Repeat(item, 0, null);
            else if (TryTake("+"))
                item = GrammarExpression.Repeat(item, 1, null);
            else if (TryTake("?"))
                item = GrammarExpression.Optional(item);
            else if (TryTake("{"))
                item = Counts(item);
            else
                return item;
        }
    }

    private GrammarExpression Counts(GrammarExpression item)
    {
        Pass(overLines: false);
        var least = Number();
        Pass(overLines: false);
        var most = (int?)least;
        if (TryTake(","))
        {
            Pass(overLines: false);
            most = _at < _text.Length && _text[_at] == '}' ? null : Number();
            Pass(overLines: false);
        }
        if (!TryTake("}"))
            throw Fault("a count such as {2} or {2,5} is not closed");
        return most < least ? throw Fault($"a count runs from {least} to {most}") : GrammarExpression.Repeat(item, least, most);
    }

    private int Number()
    {
        var start = _at;
        while (_at < _text.Length && char.IsAsciiDigit(_text[_at]))
            _at++;
        return int.TryParse(_text.AsSpan(start, _at - start), NumberStyles.None, CultureInfo.InvariantCulture, out var number) && number <= MostCount
            ? number
            : throw Fault($"a count is no number up to {MostCount}", start);
    }

    private GrammarExpression Literal()
    {
        var start = _at++;
        var text = new StringBuilder();
        while (!TryTake("\""))
            text.Append(new Rune(Character(start, "'\"' is not closed")));
        return GrammarExpression.Text(text.ToString());
    }

    private GrammarExpression Class()
    {
        var start = _at++;
        var isNegated = TryTake("^");
        var ranges = new List<CharacterRange>();
        while (!TryTake("]"))
        {
            var first = Character(start, "'[' is not closed");
            var last = first;
            if (_at + 1 < _text.Length && _text[_at] == '-' && _text[_at + 1] != ']')
            {
                _at++;
                last = Character(start, "'[' is not closed");
            }
            ranges.Add(last < first ? throw Fault("a range of characters runs backwards", start) : new CharacterRange(first, last));
        }
        var characters = isNegated ? CharacterRange.Complement(ranges) : CharacterRange.Normalize(ranges);
        return characters.Count > 0 ? new GrammarCharacters(characters) : throw Fault("a class has no character", start);
    }

    // One character of a text or a class, which may be escaped.
    private int Character(int start, string unclosed)
    {
        if (_at == _text.Length || _text[_at] is '\r' or '\n')
            throw Fault(unclosed, start);
        if (!TryTake("\\"))
        {
            if (Rune.DecodeFromUtf16(_text.AsSpan(_at), out var rune, out var length) != System.Buffers.OperationStatus.Done)
                throw Fault("half a surrogate pair is no character");
            _at += length;
            return rune.Value;
        }
        var escape = _at < _text.Length ? _text[_at++] : throw Fault(unclosed, start);
        return escape switch
        {
            'x' => Hexadecimal(2),
            'u' => Hexadecimal(4),
            'U' => Hexadecimal(8),
            't' => '\t',
            'r' => '\r',
            'n' => '\n',
            '\\' or '"' or '[' or ']' or '-' or '^' or '/' => escape,
            _ => throw Fault("there is no such escape", _at - 1),
        };
    }

    private int Hexadecimal(int digits)
    {
        if (_at + digits > _text.Length
            || !uint.TryParse(_text.AsSpan(_at, digits), NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out var value))
        {
            throw Fault($"{digits} hexadecimal digits are missing");
        }
        if (!Rune.IsValid(value))
            throw Fault("this is no character");
        _at += digits;
        return (int)value;
    }

    private string? Name()
    {
        var start = _at;
        while (_at < _text.Length && (char.IsAsciiLetterOrDigit(_text[_at]) || _text[_at] is '-' or '_'))
            _at++;
        return _at > start ? _text[start.._at] : null;
    }

    // Over spaces and comments.
    private void Pass(bool overLines)
    {
        for (; _at < _text.Length; _at++)
        {
            if (_text[_at] == '#')
            {
                var end = _text.AsSpan(_at).IndexOfAny('\r', '\n');
                _at = end < 0 ? _text.Length : _at + end;
            }
            if (_at == _text.Length || _text[_at] is not (' ' or '\t') && !(overLines && _text[_at] is '\r' or '\n'))
                return;
        }
    }

    private bool TryTake(string expected)
    {
        if (!_text.AsSpan(_at).StartsWith(expected, StringComparison.Ordinal))
            return false;
        _at += expected.Length;
        return true;
    }

    private readonly GrammarException Fault(string what, int? at = null)
    {
        var before = _text.AsSpan(0, at ?? _at);
        return new($"the grammar can't be used: line {before.Count('\n') + 1}, column {before.Length - before.LastIndexOf('\n')}: {what}");
    }
}
