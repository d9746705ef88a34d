using static Formation.Inference.Engine.Grammars.GrammarExpression;

namespace Formation.Inference.Engine.Grammars.Schemas;

/// <summary>
/// Arrays with <c>contains</c>: a state is how many items are written and how many of them satisfy its schema, as far as either counts. With a bound above,
/// all others are held to not satisfying it; without one, they may be anything.
/// </summary>
internal sealed class ContainedItems
{
    // Items written times items that satisfy the schema.
    private const int MostStates = 10_000;

    private readonly SchemaPlace _schema;
    private readonly Counts _counts;

    private ContainedItems(SchemaPlace schema, Counts counts) => (_schema, _counts) = (schema, counts);

    /// <summary>What some schemas want an array to hold, or null where they say nothing of it.</summary>
    /// <exception cref="GrammarException">Several do.</exception>
    public static ContainedItems? Of(IReadOnlyList<SchemaPlace> parts)
    {
        ContainedItems? found = null;
        foreach (var part in parts)
        {
            if (!part.Has("contains", out var schema))
                continue;
            var counts = new Counts(
                part.Has("minContains", out var least) ? least.Count(isMost: false) : 1,
                part.Has("maxContains", out var most) ? most.Count(isMost: true) : null);
            if (counts.IsAny)
                continue;
            if (found is not null)
                throw schema.Fault("it is the second 'contains' that has to hold for an array, which is not supported; leave one out");
            if (parts.Any(other => other.Has("unevaluatedItems", out _)))
                throw schema.Fault("'contains' beside 'unevaluatedItems' is not supported; use 'items'");
            found = new ContainedItems(schema, counts);
        }
        return found;
    }

    /// <param name="counts">How many items there may be.</param>
    /// <param name="first">Items with a place of their own.</param>
    /// <param name="at">What the item at a place has to satisfy.</param>
    /// <param name="rules">Where the rules go.</param>
    /// <returns>Null where there is no array.</returns>
    public GrammarExpression? Write(Counts counts, int first, Func<int, List<SchemaPlace>> at, SchemaRules rules)
    {
        if (_counts.IsEmpty)
            return rules.Contradict(_schema, "minContains is above maxContains");
        var (items, matches) = (Math.Max(1, Math.Max(first, Math.Max(counts.Least, counts.Most ?? 0))), _counts.Most ?? _counts.Least);
        if ((long)(items + 1) * (matches + 1) > MostStates)
            throw _schema.Fault($"'contains' with counts of {items} and {matches} items is too large: their product may be {MostStates}; use lower ones");
        // The last column is every further place where there is no bound, so that it stands behind itself.
        var isLoop = counts.Most is null;
        var behind = new GrammarExpression[matches + 1];
        for (var place = items; place >= 0; place--)
        {
            var here = isLoop && place == items ? [.. behind.Select(_ => rules.Reserve())] : new GrammarExpression[matches + 1];
            for (var matched = matches; matched >= 0; matched--)
            {
                var next = isLoop && place == items ? here : behind;
                var alternatives = new List<GrammarExpression>();
                if (place >= counts.Least && matched >= _counts.Least)
                    alternatives.Add(Empty);
                if (place < items || isLoop)
                {
                    var schemas = at(place);
                    var comma = place == 0 ? Empty : Sequence(Text(","), JsonGrammar.Space);
                    if (matched < matches)
                        alternatives.Add(Sequence(comma, rules.Of([.. schemas, _schema]), next[matched + 1]));
                    // Who has all that are wanted need not look any more.
                    alternatives.Add(Sequence(comma, rules.Of(_counts.Most is null ? schemas : [.. schemas, _schema.Denied()]), next[matched]));
                }
                var choice = Choice([.. alternatives]);
                if (isLoop && place == items)
                    rules.Define((GrammarReference)here[matched], choice);
                else
                    here[matched] = rules.Add(choice);
            }
            behind = here;
        }
        return Sequence(Text("["), JsonGrammar.Space, behind[0], JsonGrammar.Space, Text("]"));
    }
}
