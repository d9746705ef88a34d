using System.Text.Json;
using static Formation.Inference.Engine.Grammars.GrammarExpression;

namespace Formation.Inference.Engine.Grammars.Schemas;

/// <summary>
/// Arrays of items that are all different, where the values of an item can be listed. Few of them stand in any order: a state is the set of those that are
/// written. More stand in the order of the schema, as properties do: a state is how many are passed and how many written, as far as that counts.
/// </summary>
internal static class UniqueItems
{
    /// <summary>Values that stand in any order at most: each set of them is a rule.</summary>
    public const int MostInAnyOrder = 10;

    private const int MostStates = 50_000;

    /// <param name="unique">Where the keyword stands.</param>
    /// <param name="first">Items with a place of their own.</param>
    /// <param name="item">What any item has to satisfy.</param>
    /// <param name="counts">How many there may be.</param>
    /// <param name="rules">Where the rules go.</param>
    /// <returns>Null where there is no array.</returns>
    public static GrammarExpression? Write(SchemaPlace unique, int first, IReadOnlyList<SchemaPlace> item, Counts counts, SchemaRules rules)
    {
        if (first > 0)
            throw unique.Fault("'uniqueItems' beside 'prefixItems' is not supported: a grammar can't compare items; leave it out, or check for it afterwards");
        var values = rules.Values(item)
            ?? throw unique.Fault("'uniqueItems' is only supported where 'items' lists its values (enum, const, boolean, integers between close bounds): a grammar can't compare others; list them, leave it out, or check for it afterwards");
        if (values.Count < counts.Least)
            return rules.Contradict(unique, $"{counts.Least} different items are wanted, and there are {values.Count}");
        counts = counts with { Most = Math.Min(counts.Most ?? int.MaxValue, values.Count) };
        List<GrammarExpression> items = [.. values.Select(value => rules.Add(JsonSpelling.Value(value)))];
        var behind = items.Count <= MostInAnyOrder ? InAnyOrder(items, counts, rules) : InOrder(unique, items, counts, rules);
        return Sequence(Text("["), JsonGrammar.Space, behind, JsonGrammar.Space, Text("]"));
    }

    private static GrammarExpression InAnyOrder(List<GrammarExpression> items, Counts counts, SchemaRules rules)
    {
        // From all that are written back to none: what stands behind each set.
        var behind = new GrammarExpression[1 << items.Count];
        for (var written = behind.Length - 1; written >= 0; written--)
        {
            var count = int.PopCount(written);
            var alternatives = new List<GrammarExpression>();
            if (count > counts.Most)
                continue;
            if (count >= counts.Least)
                alternatives.Add(Empty);
            for (var index = 0; index < items.Count && count < counts.Most; index++)
                if ((written >> index & 1) == 0)
                    alternatives.Add(Sequence(Before(count), items[index], behind[written | 1 << index]));
            behind[written] = rules.Add(Choice([.. alternatives]));
        }
        return behind[0];
    }

    private static GrammarExpression InOrder(SchemaPlace unique, List<GrammarExpression> items, Counts counts, SchemaRules rules)
    {
        var cap = Math.Max(1, Math.Max(counts.Least, counts.Most < items.Count ? counts.Most.Value : 0));
        if ((items.Count + 1) * (cap + 1) > MostStates)
            throw unique.Fault($"'minItems' or 'maxItems' with {items.Count} different items is too large; leave it out, or list fewer values");
        var behind = Enumerable.Range(0, cap + 1).Select(written => written >= counts.Least ? Empty : Choice()).ToArray();
        for (var index = items.Count - 1; index >= 0; index--)
        {
            var here = new GrammarExpression[cap + 1];
            for (var written = 0; written <= cap; written++)
            {
                var alternatives = new List<GrammarExpression> { behind[written] };
                if (written < cap || counts.Most == items.Count)
                    alternatives.Add(Sequence(Before(written), items[index], behind[Math.Min(written + 1, cap)]));
                here[written] = rules.Add(Choice([.. alternatives]));
            }
            behind = here;
        }
        return behind[0];
    }

    private static GrammarExpression Before(int written) => written == 0 ? Empty : Sequence(Text(","), JsonGrammar.Space);
}
