using System.Globalization;
using System.Text;

namespace Formation.Inference.Engine.Grammars;

/// <summary>
/// Reads regular expressions as ECMA-262 writes them (the dialect of JSON Schema's <c>pattern</c>), with the <c>u</c> flag: characters are whole code
/// points. What has no meaning for a set of texts (lazy or greedy) is passed over; what a grammar can't say (looking around in the middle, back
/// references, word borders) is refused by name. Nothing here searches: the expression becomes a grammar, which is followed in one pass.
/// </summary>
internal ref struct RegexParser
{
    private const int MostLength = 16 * 1024;
    private const int MostDepth = 100;
    private const int MostCount = 100_000;

    private static readonly CharacterRange[] Digits = [new('0', '9')];
    private static readonly CharacterRange[] WordCharacters = [new('0', '9'), new('A', 'Z'), CharacterRange.Of('_'), new('a', 'z')];

    private static readonly CharacterRange[] Spaces =
    [
        new('\t', '\r'), CharacterRange.Of(' '), CharacterRange.Of(0xA0), CharacterRange.Of(0x1680), new(0x2000, 0x200A), new(0x2028, 0x2029),
        CharacterRange.Of(0x202F), CharacterRange.Of(0x205F), CharacterRange.Of(0x3000), CharacterRange.Of(0xFEFF),
    ];

    private static readonly CharacterRange[] LineEnds = [CharacterRange.Of('\n'), CharacterRange.Of('\r'), new(0x2028, 0x2029)];

    private static readonly GrammarExpression Anything = GrammarExpression.Repeat(GrammarExpression.Characters(CharacterRange.All), 0, null);

    private readonly string _pattern;
    private int _at;
    private int _depth;

    private RegexParser(string pattern) => _pattern = pattern;

    /// <summary>The texts that an expression matches from their beginning to their end.</summary>
    /// <exception cref="GrammarException">It is malformed, or says what a grammar can't.</exception>
    public static GrammarExpression Whole(string pattern) => Parse(pattern, GrammarExpression.Empty, null).Expression!;

    /// <summary>The texts in which an expression matches somewhere. Behind a '^' at its beginning, it may look ahead.</summary>
    /// <exception cref="GrammarException">It is malformed, or says what a grammar can't.</exception>
    public static TextLanguage Somewhere(string pattern) => Parse(pattern, Anything, []);

    private static TextLanguage Parse(string pattern, GrammarExpression around, List<TextCondition>? conditions)
    {
        if (pattern.Length > MostLength)
            throw new GrammarException($"the pattern has {pattern.Length} characters; {MostLength} are allowed");
        var parser = new RegexParser(pattern);
        if (conditions is not null && (pattern.StartsWith("^(?=", StringComparison.Ordinal) || pattern.StartsWith("^(?!", StringComparison.Ordinal)))
            parser.Conditions(conditions);
        var expression = parser.Alternatives(conditions is { Count: > 0 } ? GrammarExpression.Empty : around, around);
        if (conditions is { Count: > 0 } && expression is GrammarChoice)
            throw parser.Fault("what looks ahead can't stand before one of several alternatives; put these into a group");
        return parser._at == pattern.Length ? new TextLanguage(expression, conditions ?? []) : throw parser.Fault("')' has no '('");
    }

    // What looks ahead from the beginning of a text says something about the whole of it.
    private void Conditions(List<TextCondition> conditions)
    {
        _at++;
        while (_pattern.AsSpan(_at) is ['(', '?', '=' or '!', ..])
        {
            var isForbidden = _pattern[_at + 2] == '!';
            _at += 3;
            var expression = Alternatives(GrammarExpression.Empty, Anything);
            if (!TryTake(')'))
                throw Fault("'(' is not closed");
            conditions.Add(new TextCondition(expression, isForbidden));
        }
    }

    // An anchor counts for its alternative, and only at its ends.
    private GrammarExpression Alternatives(GrammarExpression? before, GrammarExpression? behind)
    {
        if (++_depth > MostDepth)
            throw Fault($"groups stand more than {MostDepth} deep in each other");
        var alternatives = new List<GrammarExpression>();
        do
        {
            var parts = new List<GrammarExpression>();
            var begins = before is not null && TryTake('^');
            var ends = false;
            while (_at < _pattern.Length && _pattern[_at] is not ('|' or ')'))
            {
                if (ends)
                    throw Fault("'$' stands before something else");
                if (behind is not null && TryTake('$'))
                    ends = true;
                else
                    parts.Add(Quantified());
            }
            if (before is not null && !begins)
                parts.Insert(0, before);
            if (behind is not null && !ends)
                parts.Add(behind);
            alternatives.Add(GrammarExpression.Sequence([.. parts]));
        }
        while (TryTake('|'));
        _depth--;
        return GrammarExpression.Choice([.. alternatives]);
    }

    private GrammarExpression Quantified()
    {
        var atom = Atom();
        if (_at == _pattern.Length)
            return atom;
        var (least, most) = (1, (int?)1);
        if (TryTake('*'))
            (least, most) = (0, null);
        else if (TryTake('+'))
            (least, most) = (1, null);
        else if (TryTake('?'))
            (least, most) = (0, 1);
        else if (_pattern[_at] == '{')
            (least, most) = Counts();
        else
            return atom;
        TryTake('?');
        if (_at < _pattern.Length && _pattern[_at] is '*' or '+' or '?' or '{')
            throw Fault("a quantifier follows another one");
        return GrammarExpression.Repeat(atom, least, most);
    }

    private (int Least, int? Most) Counts()
    {
        _at++;
        var least = Number();
        var most = (int?)least;
        if (TryTake(','))
            most = _at < _pattern.Length && _pattern[_at] == '}' ? null : Number();
        if (!TryTake('}'))
            throw Fault("a count such as {2} or {2,5} is not closed");
        return most < least ? throw Fault($"a count runs from {least} to {most}") : (least, most);
    }

    private int Number()
    {
        var start = _at;
        while (_at < _pattern.Length && char.IsAsciiDigit(_pattern[_at]))
            _at++;
        return int.TryParse(_pattern.AsSpan(start, _at - start), NumberStyles.None, CultureInfo.InvariantCulture, out var number) && number <= MostCount
            ? number
            : throw Fault($"a count is no number up to {MostCount}");
    }

    private GrammarExpression Atom()
    {
        switch (_pattern[_at])
        {
            case '(':
                return Group();
            case '[':
                return Class();
            case '.':
                _at++;
                return GrammarExpression.AnyBut(LineEnds);
            case '\\':
                _at++;
                return new GrammarCharacters(CharacterRange.Normalize(Escape(inClass: false)));
            case '*' or '+' or '?' or '{':
                throw Fault("a quantifier has nothing before it");
            case '^' or '$':
                throw Fault("an anchor stands where it could never match, or in a group; only the ends of the whole pattern can have one");
            case '}' or ']':
                throw Fault($"'{_pattern[_at]}' has to be written with a backslash");
            default:
                return GrammarExpression.Characters(CharacterRange.Of(Character()));
        }
    }

    private GrammarExpression Group()
    {
        _at++;
        if (TryTake('?') && !TryTake(':'))
        {
            if (!TryTake('<') || _at == _pattern.Length || _pattern[_at] is '=' or '!' || _pattern.IndexOf('>', _at) is not (> 0 and var end))
                throw Fault("a group that looks around or sets options can't be part of a grammar, but for what looks ahead at the beginning of a schema's pattern, behind '^'");
            _at = end + 1;
        }
        var inside = Alternatives(null, null);
        return TryTake(')') ? inside : throw Fault("'(' is not closed");
    }

    private GrammarExpression Class()
    {
        _at++;
        var isNegated = TryTake('^');
        var ranges = new List<CharacterRange>();
        while (!TryTake(']'))
        {
            if (_at == _pattern.Length)
                throw Fault("'[' is not closed");
            var first = Member();
            if (first is [{ First: var from, Last: var single }] && from == single && _at + 1 < _pattern.Length && _pattern[_at] == '-' && _pattern[_at + 1] != ']')
            {
                _at++;
                if (Member() is not [{ First: var to, Last: var last }] || to != last || to < from)
                    throw Fault("a range of characters runs backwards, or to a class");
                ranges.Add(new CharacterRange(from, to));
            }
            else
            {
                ranges.AddRange(first);
            }
        }
        var characters = isNegated ? CharacterRange.Complement(ranges) : CharacterRange.Normalize(ranges);
        return characters.Count > 0 ? new GrammarCharacters(characters) : throw Fault("a class has no character");
    }

    private IReadOnlyList<CharacterRange> Member()
    {
        if (!TryTake('\\'))
            return [CharacterRange.Of(Character())];
        return Escape(inClass: true);
    }

    // What follows a backslash.
    private IReadOnlyList<CharacterRange> Escape(bool inClass)
    {
        if (_at == _pattern.Length)
            throw Fault("it ends with a backslash");
        var next = _pattern[_at++];
        switch (next)
        {
            case 'd':
                return Digits;
            case 'D':
                return CharacterRange.Complement(Digits);
            case 'w':
                return WordCharacters;
            case 'W':
                return CharacterRange.Complement(WordCharacters);
            case 's':
                return Spaces;
            case 'S':
                return CharacterRange.Complement(Spaces);
            case 'n':
                return [CharacterRange.Of('\n')];
            case 'r':
                return [CharacterRange.Of('\r')];
            case 't':
                return [CharacterRange.Of('\t')];
            case 'f':
                return [CharacterRange.Of('\f')];
            case 'v':
                return [CharacterRange.Of('\v')];
            case '0' when _at == _pattern.Length || !char.IsAsciiDigit(_pattern[_at]):
                return [CharacterRange.Of(0)];
            case 'b' when inClass:
                return [CharacterRange.Of('\b')];
            case 'x':
                return [CharacterRange.Of(Hexadecimal(2))];
            case 'u':
                return [CharacterRange.Of(CodePoint())];
            case 'c' when _at < _pattern.Length && char.IsAsciiLetter(_pattern[_at]):
                return [CharacterRange.Of(_pattern[_at++] & 0x1F)];
            case 'b' or 'B':
                throw Fault("a border of words can't be part of a grammar");
            case 'p' or 'P':
                throw Fault("Unicode properties are not supported");
            case 'k' or (>= '0' and <= '9'):
                throw Fault("a back reference can't be part of a grammar");
            default:
                return char.IsAsciiLetter(next) ? throw Fault($"there is no escape '\\{next}'") : [CharacterRange.Of(next)];
        }
    }

    private int CodePoint()
    {
        if (TryTake('{'))
        {
            var end = _pattern.IndexOf('}', _at);
            if (end < 0 || end - _at > 6 || !int.TryParse(_pattern.AsSpan(_at, end - _at), NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out var point) || !Rune.IsValid(point))
                throw Fault("\\u{...} holds no character");
            _at = end + 1;
            return point;
        }
        var unit = Hexadecimal(4);
        if (!char.IsHighSurrogate((char)unit) || !_pattern.AsSpan(_at).StartsWith("\\u"))
            return Rune.IsValid(unit) ? unit : throw Fault("half a surrogate pair is no character");
        _at += 2;
        var low = Hexadecimal(4);
        return char.IsLowSurrogate((char)low) ? char.ConvertToUtf32((char)unit, (char)low) : throw Fault("half a surrogate pair is no character");
    }

    private int Hexadecimal(int digits)
    {
        if (_at + digits > _pattern.Length
            || !int.TryParse(_pattern.AsSpan(_at, digits), NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out var value))
        {
            throw Fault($"{digits} hexadecimal digits are missing");
        }
        _at += digits;
        return value;
    }

    private int Character()
    {
        if (Rune.DecodeFromUtf16(_pattern.AsSpan(_at), out var rune, out var length) != System.Buffers.OperationStatus.Done)
            throw Fault("half a surrogate pair is no character");
        _at += length;
        return rune.Value;
    }

    private bool TryTake(char expected)
    {
        if (_at == _pattern.Length || _pattern[_at] != expected)
            return false;
        _at++;
        return true;
    }

    private readonly GrammarException Fault(string what) => new($"the pattern can't be used: at character {_at + 1}, {what}");
}
