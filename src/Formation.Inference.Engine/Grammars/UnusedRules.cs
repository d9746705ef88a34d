namespace Formation.Inference.Engine.Grammars;

/// <summary>Takes out of a grammar what no text can use, so that no text comes to a place from which it can't go on.</summary>
internal static class UnusedRules
{
    /// <summary>The rules that say some text.</summary>
    public static HashSet<string> Finite(GrammarDefinition definition)
    {
        var finite = new HashSet<string>(StringComparer.Ordinal);
        // What a rule needs mostly comes behind it.
        var open = definition.Rules.Reverse().ToList();
        while (open.RemoveAll(rule => IsFinite(rule.Value, finite) && finite.Add(rule.Key)) > 0)
        {
        }
        return finite;
    }

    /// <summary>The same grammar without rules that say no text, the alternatives that need them, and rules that nothing needs.</summary>
    /// <param name="finite">The rules that say some; the root is one of them.</param>
    public static GrammarDefinition Remove(GrammarDefinition definition, HashSet<string> finite)
    {
        var rules = new Dictionary<string, GrammarExpression>(StringComparer.Ordinal);
        var needed = new Stack<string>([definition.Root]);
        while (needed.TryPop(out var name))
            if (!rules.ContainsKey(name))
                rules[name] = Without(definition.Rules[name], finite, needed);
        return new GrammarDefinition(definition.Root, rules.Reverse().ToDictionary(StringComparer.Ordinal));
    }

    /// <summary>The rules that say no text and that the root says none because of.</summary>
    public static IEnumerable<string> Endless(GrammarDefinition definition, HashSet<string> finite)
    {
        var seen = new HashSet<string>(StringComparer.Ordinal);
        var needed = new Stack<string>([definition.Root]);
        while (needed.TryPop(out var name))
        {
            if (finite.Contains(name) || !seen.Add(name))
                continue;
            yield return name;
            Without(definition.Rules[name], [.. definition.Rules.Keys], needed);
        }
    }

    private static bool IsFinite(GrammarExpression expression, HashSet<string> finite) => expression switch
    {
        GrammarCharacters characters => characters.Ranges.Count > 0,
        GrammarSequence sequence => sequence.Parts.All(part => IsFinite(part, finite)),
        GrammarChoice choice => choice.Alternatives.Any(alternative => IsFinite(alternative, finite)),
        GrammarRepetition repetition => repetition.Least == 0 || IsFinite(repetition.Item, finite),
        GrammarReference reference => finite.Contains(reference.Name),
        _ => true,
    };

    private static GrammarExpression Without(GrammarExpression expression, HashSet<string> finite, Stack<string> needed)
    {
        switch (expression)
        {
            case GrammarSequence sequence:
                return new GrammarSequence([.. sequence.Parts.Select(part => Without(part, finite, needed))]);
            case GrammarChoice choice:
                return new GrammarChoice([.. choice.Alternatives.Where(alternative => IsFinite(alternative, finite)).Select(alternative => Without(alternative, finite, needed))]);
            case GrammarRepetition repetition:
                return IsFinite(repetition.Item, finite) ? repetition with { Item = Without(repetition.Item, finite, needed) } : GrammarExpression.Empty;
            case GrammarReference reference:
                needed.Push(reference.Name);
                return reference;
            default:
                return expression;
        }
    }
}
