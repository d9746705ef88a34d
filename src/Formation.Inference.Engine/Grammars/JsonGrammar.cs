using static Formation.Inference.Engine.Grammars.GrammarExpression;

namespace Formation.Inference.Engine.Grammars;

/// <summary>Grammars of JSON texts (RFC 8259), and the rules that all grammars of JSON share.</summary>
/// <remarks>
/// Every text is JSON that any reader takes, but not every JSON text can be written, so that a model can't write what says nothing without end:
/// <list type="bullet">
/// <item>Behind '{', '[', ',' and ':', and before '}' and ']', there is nothing, one space, or the end of a line with up to
/// <see cref="MostIndent"/> spaces or tabs: the styles that models have learned, from compact to indented.</item>
/// <item>Numbers have so few digits that 64-bit floating point holds their magnitude.</item>
/// <item>Escapes of surrogates stand in pairs: a half is no character, and many readers refuse it.</item>
/// </list>
/// </remarks>
public static class JsonGrammar
{
    /// <summary>Spaces or tabs behind the end of a line at most.</summary>
    public const int MostIndent = 32;

    internal const string SpaceRule = "json.space";
    internal const string CharacterRule = "json.character";
    internal const string StringRule = "json.string";
    internal const string NumberRule = "json.number";
    internal const string ValueRule = "json.value";
    internal const string ObjectRule = "json.object";
    internal const string ArrayRule = "json.array";

    private const int MostIntegerDigits = 19, MostFractionDigits = 19, MostExponentDigits = 2;

    private static readonly GrammarExpression Hexadecimal = Characters(new('0', '9'), new('A', 'F'), new('a', 'f'));
    private static readonly GrammarExpression Digit = Characters(new CharacterRange('0', '9'));

    /// <summary>Any JSON value.</summary>
    public static GrammarDefinition Value { get; } = new(ValueRule, Rules());

    /// <summary>Any JSON object.</summary>
    public static GrammarDefinition Object { get; } = new(ObjectRule, Rules());

    /// <summary>What may stand between the parts of an object or an array, which may be nothing.</summary>
    internal static GrammarExpression Space => Rule(SpaceRule);

    /// <summary>New copies of the shared rules, for a grammar that adds its own.</summary>
    internal static Dictionary<string, GrammarExpression> Rules()
    {
        var member = Sequence(Rule(StringRule), Text(":"), Space, Rule(ValueRule));
        return new Dictionary<string, GrammarExpression>(StringComparer.Ordinal)
        {
            [SpaceRule] = Choice(Empty, Text(" "), Sequence(Text("\n"), Repeat(Characters(CharacterRange.Of(' '), CharacterRange.Of('\t')), 0, MostIndent))),
            [CharacterRule] = Choice(AnyBut(new(0, 0x1F), CharacterRange.Of('"'), CharacterRange.Of('\\')), Sequence(Text("\\"), Escape())),
            [StringRule] = Sequence(Text("\""), Repeat(Rule(CharacterRule), 0, null), Text("\"")),
            [NumberRule] = Number(),
            [ValueRule] = Choice(
                Rule(ObjectRule), Rule(ArrayRule), Rule(StringRule), Rule(NumberRule), Text("true"), Text("false"), Text("null")),
            [ObjectRule] = Sequence(Text("{"), Space, Optional(Sequence(List(member), Space)), Text("}")),
            [ArrayRule] = Sequence(Text("["), Space, Optional(Sequence(List(Rule(ValueRule)), Space)), Text("]")),
        };
    }

    // One or more, with commas between them.
    private static GrammarExpression List(GrammarExpression item) => Sequence(item, Repeat(Sequence(Text(","), Space, item), 0, null));

    // What follows a backslash.
    private static GrammarExpression Escape() => Choice(
        Characters([.. "\"\\/bfnrt".Select(character => CharacterRange.Of(character))]),
        Sequence(Text("u"), Characters(new('0', '9'), new('A', 'C'), new('E', 'F'), new('a', 'c'), new('e', 'f')), Repeat(Hexadecimal, 3, 3)),
        Sequence(Text("u"), Surrogate(), Characters(new CharacterRange('0', '7')), Repeat(Hexadecimal, 2, 2)),
        Sequence(
            Text("u"), Surrogate(), Characters(new('8', '9'), new('A', 'B'), new('a', 'b')), Repeat(Hexadecimal, 2, 2),
            Text("\\u"), Surrogate(), Characters(new('C', 'F'), new('c', 'f')), Repeat(Hexadecimal, 2, 2)));

    private static GrammarExpression Surrogate() => Characters(CharacterRange.Of('D'), CharacterRange.Of('d'));

    private static GrammarExpression Number() => Sequence(
        Optional(Text("-")),
        Choice(Text("0"), Sequence(Characters(new CharacterRange('1', '9')), Repeat(Digit, 0, MostIntegerDigits - 1))),
        Optional(Sequence(Text("."), Repeat(Digit, 1, MostFractionDigits))),
        Optional(Sequence(
            Characters(CharacterRange.Of('e'), CharacterRange.Of('E')),
            Optional(Characters(CharacterRange.Of('+'), CharacterRange.Of('-'))),
            Repeat(Digit, 1, MostExponentDigits))));
}
