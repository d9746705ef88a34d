using System.Text.Json;
using static Formation.Inference.Engine.Grammars.GrammarExpression;

namespace Formation.Inference.Engine.Grammars.Schemas;

/// <summary>
/// Objects: listed properties in the order of the schema, then others where they are allowed. A state is how many listed ones are passed and how many
/// properties are written, as far as that counts, so that many optional ones cost no more than as many required ones.
/// </summary>
/// <remarks>
/// A schema that lists properties and does not speak of <c>additionalProperties</c> allows any others; none are written, as its authors expect.
/// </remarks>
internal static class SchemaObjects
{
    /// <summary>Properties of one object at most.</summary>
    public const int MostProperties = 1_000;

    private const int MostStates = 50_000;

    /// <returns>Null where there is no object.</returns>
    public static GrammarExpression? Of(IReadOnlyList<SchemaPlace> parts, SchemaRules rules)
    {
        var counts = Counts.Of(parts, "minProperties", "maxProperties");
        counts = counts with { Least = Math.Max(counts.Least, SchemaValues.LeastParts(parts, JsonValueKind.Object)) };
        var required = parts.SelectMany(Required).ToHashSet(StringComparer.Ordinal);
        var names = parts.SelectMany(part => part.Has("properties", out var properties) ? properties.Members().Select(member => member.Name) : []).Concat(required)
            .Distinct(StringComparer.Ordinal).ToList();
        if (names.Count > MostProperties)
            throw parts[0].Fault($"an object has {names.Count} properties; {MostProperties} are allowed");
        var others = new SchemaNames(parts, [.. names.Concat(parts.Where(part => part.Claim == SchemaClaim.Lacks).Select(part => part.About!)).Distinct(StringComparer.Ordinal)]);
        var listed = new List<(string Name, GrammarExpression Pair)>();
        foreach (var name in names)
        {
            if (Value(parts, name) is { } value && others.MayBe(name))
                listed.Add((name, rules.Add(Sequence(Text(JsonSpelling.Quote(name) + ":"), JsonGrammar.Space, rules.Of(value)))));
            else if (required.Contains(name))
                return rules.Contradict(parts[0], $"the property '{name}' is required, and no property of that name is allowed");
        }
        if (counts.IsEmpty)
            return null;
        var (least, most) = (counts.Least <= required.Count ? 0 : counts.Least, counts.Most is { } bound && (bound < listed.Count || !others.IsEmpty) ? bound : (int?)null);
        return Of(listed, required, others.Pairs(rules), new Counts(least, most), parts[0], rules);
    }

    /// <summary>The names that a schema requires.</summary>
    public static IEnumerable<string> Required(SchemaPlace part) => part.Claim switch
    {
        SchemaClaim.Has when part.About is null => part.Items().Select(name => name.Text()),
        SchemaClaim.Has or SchemaClaim.Misfits => [part.About!],
        _ => part.Has("required", out var required) ? required.Items().Select(name => name.Text()) : [],
    };

    /// <summary>What a property has to satisfy by some schemas, or null where one forbids it.</summary>
    public static IReadOnlyList<SchemaPlace>? Value(IReadOnlyList<SchemaPlace> parts, string name)
    {
        var schemas = new List<SchemaPlace>();
        var (isClosed, isSpoken) = (false, false);
        foreach (var part in parts)
        {
            if (part.Claim == SchemaClaim.Lacks && part.About == name)
                return null;
            if (part.Claim == SchemaClaim.Misfits && part.About == name)
                schemas.Add(part.Denied());
            var before = schemas.Count;
            if (part.Has("properties", out var properties) && properties.Has(name, out var property))
                schemas.Add(property);
            if (part.Has("patternProperties", out var patterns))
                schemas.AddRange(patterns.Members().Where(pattern => SchemaNames.Automaton(pattern.Place, pattern.Name).Takes(name)).Select(pattern => pattern.Place));
            if (schemas.Count == before && part.Has("additionalProperties", out var additional))
                schemas.Add(additional);
            isSpoken |= schemas.Count > before;
            isClosed |= part.Has("unevaluatedProperties", out var unevaluated) && unevaluated.Element.ValueKind == JsonValueKind.False;
        }
        return (isClosed && !isSpoken) || schemas.Any(schema => schema.IsFalse) ? null : schemas;
    }

    // From the last state back to the first: each rule says what may stand from there to the end of the object.
    private static GrammarExpression Of(
        List<(string Name, GrammarExpression Pair)> listed, HashSet<string> required, GrammarExpression? other, Counts counts, SchemaPlace place, SchemaRules rules)
    {
        var cap = Math.Max(1, Math.Max(counts.Least, counts.Most ?? 0));
        cap = Math.Min(cap, Math.Max(listed.Count, counts.Least) + 1);
        if ((listed.Count + 1) * (cap + 1) > MostStates)
            throw place.Fault($"'minProperties' or 'maxProperties' with {listed.Count} properties is too large; leave it out, or list fewer");
        var comma = Sequence(Text(","), JsonGrammar.Space);
        var end = Sequence(JsonGrammar.Space, Text("}"));
        var behind = new GrammarExpression[cap + 1];
        for (var written = 0; written <= cap; written++)
        {
            var alternatives = new List<GrammarExpression>();
            if (written >= counts.Least)
                alternatives.Add(written == 0 ? Text("}") : end);
            // Several others may have the same name, so no more than one of them counts for the least.
            if (other is not null && written + 1 >= counts.Least && !(written >= counts.Most))
                alternatives.Add(Sequence(written == 0 ? Empty : comma, other, Repeat(Sequence(comma, other), 0, counts.Most - written - 1), end));
            behind[written] = rules.Add(Choice([.. alternatives]));
        }
        for (var index = listed.Count - 1; index >= 0; index--)
        {
            var here = new GrammarExpression[cap + 1];
            for (var written = 0; written <= cap; written++)
            {
                var alternatives = new List<GrammarExpression>();
                if (!(written >= counts.Most))
                    alternatives.Add(Sequence(written == 0 ? Empty : comma, listed[index].Pair, behind[Math.Min(written + 1, cap)]));
                if (!required.Contains(listed[index].Name))
                    alternatives.Add(behind[written]);
                here[written] = rules.Add(Choice([.. alternatives]));
            }
            behind = here;
        }
        return Sequence(Text("{"), JsonGrammar.Space, behind[0]);
    }
}
