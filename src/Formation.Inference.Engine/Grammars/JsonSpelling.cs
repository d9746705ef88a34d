using System.Globalization;
using System.Text;
using System.Text.Json;

namespace Formation.Inference.Engine.Grammars;

/// <summary>What stands in a JSON text for characters, texts and values.</summary>
internal static class JsonSpelling
{
    private static readonly CharacterRange[] Escaped = [new(0, 0x1F), CharacterRange.Of('"'), CharacterRange.Of('\\')];

    /// <summary>A text in quotes, with escapes where they have to be.</summary>
    public static string Quote(string text)
    {
        var quoted = new StringBuilder("\"");
        foreach (var character in text)
            quoted.Append(character is < ' ' or '"' or '\\' ? Escape(character) : $"{character}");
        return quoted.Append('"').ToString();
    }

    /// <summary>
    /// The characters of an expression, without quotes around them: each is spelled in one way, with an escape where it has to be; only where any
    /// character may stand, it may be spelled in any.
    /// </summary>
    public static GrammarExpression Of(GrammarExpression expression) => expression.Replace(leaf => leaf switch
    {
        GrammarLiteral literal => GrammarExpression.Text(Quote(Encoding.UTF8.GetString(literal.Bytes.Span))[1..^1]),
        GrammarCharacters characters => Characters(characters.Ranges),
        _ => throw new GrammarException($"{leaf.GetType().Name} is no part of a text"),
    });

    /// <summary>One character of some ranges.</summary>
    public static GrammarExpression Characters(IReadOnlyList<CharacterRange> ranges)
    {
        if (ranges is [{ First: 0, Last: CharacterRange.Greatest }])
            return GrammarExpression.Rule(JsonGrammar.CharacterRule);
        var plain = CharacterRange.Complement(CharacterRange.Complement(ranges).Concat(Escaped));
        var alternatives = new List<GrammarExpression>();
        if (plain.Count > 0)
            alternatives.Add(new GrammarCharacters(plain));
        foreach (var character in Escaped.SelectMany(range => Enumerable.Range(range.First, range.Last - range.First + 1)))
            if (ranges.Any(range => character >= range.First && character <= range.Last))
                alternatives.Add(GrammarExpression.Text(Escape((char)character)));
        return GrammarExpression.Choice([.. alternatives]);
    }

    /// <summary>Exactly this value, with its properties in their order.</summary>
    public static GrammarExpression Value(JsonElement value) => value.ValueKind switch
    {
        JsonValueKind.String => GrammarExpression.Text(Quote(value.GetString()!)),
        JsonValueKind.Object => Enclosed("{", "}", value.EnumerateObject().Select(property =>
            GrammarExpression.Sequence(GrammarExpression.Text(Quote(property.Name) + ":"), JsonGrammar.Space, Value(property.Value)))),
        JsonValueKind.Array => Enclosed("[", "]", value.EnumerateArray().Select(Value)),
        _ => GrammarExpression.Text(value.GetRawText()),
    };

    private static GrammarExpression Enclosed(string begin, string end, IEnumerable<GrammarExpression> items)
    {
        var parts = new List<GrammarExpression> { GrammarExpression.Text(begin), JsonGrammar.Space };
        foreach (var item in items)
            parts.AddRange(parts.Count > 2 ? [GrammarExpression.Text(","), JsonGrammar.Space, item] : [item]);
        if (parts.Count > 2)
            parts.Add(JsonGrammar.Space);
        parts.Add(GrammarExpression.Text(end));
        return GrammarExpression.Sequence([.. parts]);
    }

    private static string Escape(char character) => character switch
    {
        '"' => "\\\"",
        '\\' => "\\\\",
        '\b' => "\\b",
        '\f' => "\\f",
        '\n' => "\\n",
        '\r' => "\\r",
        '\t' => "\\t",
        _ => "\\u" + ((int)character).ToString("x4", CultureInfo.InvariantCulture),
    };
}
