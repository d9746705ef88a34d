using System.Text.Json;

namespace Formation.Inference.Engine.Grammars.Schemas;

/// <summary>Texts: <c>minLength</c>, <c>maxLength</c>, <c>pattern</c> and <c>format</c>. Lengths are in characters, whatever their spelling.</summary>
internal static class SchemaStrings
{
    /// <summary>What patterns and formats of some schemas say, each for itself, and what their denied values leave.</summary>
    public static IEnumerable<TextLanguage> Languages(IReadOnlyList<SchemaPlace> parts)
    {
        foreach (var part in parts)
        {
            if (part.Has("pattern", out var pattern))
                yield return Pattern(pattern, pattern.Text());
            if (part.Denies("pattern", out pattern))
                yield return Pattern(pattern, pattern.Text()).Complement();
            if (part.Has("format", out var format) && SchemaFormats.Of(format) is { } language)
                yield return new TextLanguage(language);
        }
        GrammarExpression[] denied = [.. SchemaValues.Denied(parts).Where(value => value.Element.ValueKind == JsonValueKind.String).Select(value => GrammarExpression.Text(value.Text()))];
        if (denied.Length > 0)
            yield return new TextLanguage(GrammarExpression.Choice(denied)).Complement();
    }

    /// <summary>What a regular expression says.</summary>
    /// <param name="place">Where it stands.</param>
    /// <param name="pattern">The expression.</param>
    public static TextLanguage Pattern(SchemaPlace place, string pattern)
    {
        try
        {
            return RegexParser.Somewhere(pattern);
        }
        catch (GrammarException e)
        {
            throw place.Fault(e.Message);
        }
    }

    /// <summary>The texts, in quotes.</summary>
    /// <returns>Null where there are none.</returns>
    public static GrammarExpression? Of(IReadOnlyList<SchemaPlace> parts, SchemaRules rules)
    {
        var counts = Counts.Of(parts, "minLength", "maxLength");
        if (counts.IsEmpty)
            return null;
        List<TextLanguage> languages = [.. Languages(parts)];
        counts = Binding(languages, counts);
        // A format in a few characters is another expression: to count those of the usual one would take a place for each of its own and each count.
        if (languages.Count == 1 && counts.Most is { } most && parts.Select(part => part.Has("format", out var format) ? SchemaFormats.Of(format, most) : null).OfType<GrammarExpression>().SingleOrDefault() is { } few)
            counts = Binding(languages = [new TextLanguage(few)], counts);
        return languages switch
        {
            [] when counts.IsAny => GrammarExpression.Rule(JsonGrammar.StringRule),
            [] => rules.Shared(
                $"string {counts.Least} {counts.Most}",
                () => Quoted(GrammarExpression.Repeat(GrammarExpression.Rule(JsonGrammar.CharacterRule), counts.Least, counts.Most))),
            [{ Expression: { } language }] when counts.IsAny => Quoted(JsonSpelling.Of(language)),
            _ => Of(Automaton(languages, counts), rules),
        };
    }

    /// <summary>The texts of some schemas, all of which hold.</summary>
    public static CharacterAutomaton Automaton(IReadOnlyList<TextLanguage> languages, Counts counts)
    {
        counts = Binding(languages, counts);
        var automaton = languages.Select(language => language.Automaton).Aggregate((CharacterAutomaton?)null, (all, next) => all?.Intersect(next) ?? next);
        if (automaton is null)
            return CharacterAutomaton.OfLength(counts.Least, counts.Most);
        return counts.IsAny ? automaton : automaton.Intersect(CharacterAutomaton.OfLength(counts.Least, counts.Most));
    }

    // Without what the texts say themselves.
    private static Counts Binding(IReadOnlyList<TextLanguage> languages, Counts counts) => new(
        languages.Any(language => language.Lengths.Least >= counts.Least) ? 0 : counts.Least,
        languages.Any(language => language.Lengths.Most <= counts.Most) ? null : counts.Most);

    /// <summary>The texts of an automaton, in quotes.</summary>
    /// <returns>Null where there are none.</returns>
    public static GrammarExpression? Of(CharacterAutomaton automaton, SchemaRules rules) =>
        automaton.IsEmpty ? null : Quoted(rules.Add(automaton, JsonSpelling.Characters));

    private static GrammarExpression Quoted(GrammarExpression characters) =>
        GrammarExpression.Sequence(GrammarExpression.Text("\""), characters, GrammarExpression.Text("\""));
}
