using System.Text.Json;
using static Formation.Inference.Engine.Grammars.GrammarExpression;

namespace Formation.Inference.Engine.Grammars.Schemas;

/// <summary>Arrays: <c>prefixItems</c>, <c>items</c>, <c>minItems</c>, <c>maxItems</c>, <c>uniqueItems</c> and <c>contains</c>; also the list of <c>items</c> and <c>additionalItems</c> of older drafts.</summary>
internal static class SchemaArrays
{
    /// <summary>Items with a place of their own at most.</summary>
    public const int MostPrefix = 200;

    /// <returns>Null where there is no array.</returns>
    public static GrammarExpression? Of(IReadOnlyList<SchemaPlace> parts, SchemaRules rules)
    {
        var counts = Counts.Of(parts, "minItems", "maxItems");
        counts = counts with { Least = Math.Max(counts.Least, SchemaValues.LeastParts(parts, JsonValueKind.Array)) };
        var first = parts.Max(part => Prefix(part).Count);
        if (IsClosed(parts) && !parts.Any(part => Rest(part, out _)))
            counts = counts with { Most = Math.Min(counts.Most ?? int.MaxValue, first) };
        if (counts.IsEmpty)
            return null;
        var most = counts.Most;
        var apart = parts.Select(part => part.Has("uniqueItems", out var unique) && unique.Element.ValueKind == JsonValueKind.True ? unique : default).FirstOrDefault(unique => unique.Pointer is not null);
        var isUnique = apart.Pointer is not null && !(most <= 1);
        if (ContainedItems.Of(parts) is { } contained)
            return isUnique ? throw apart.Fault("'uniqueItems' beside 'contains' is not supported; leave one of them out") : contained.Write(counts, first, place => At(parts, place), rules);
        if (isUnique)
            return UniqueItems.Write(apart, first, At(parts, first), counts, rules);
        // From the last place with a schema of its own back to the first: what stands there and behind it.
        var item = rules.Add(Sequence(Text(","), JsonGrammar.Space, rules.Of(At(parts, first))));
        var behind = most <= first ? Empty : Repeat(item, Math.Max(0, counts.Least - first), most - first);
        for (var place = Math.Min(first, most ?? first) - 1; place >= 0; place--)
        {
            var some = Sequence(place == 0 ? Empty : Sequence(Text(","), JsonGrammar.Space), rules.Of(At(parts, place)), behind);
            behind = rules.Add(place < counts.Least ? some : Optional(some));
        }
        if (most == 0)
            return Sequence(Text("["), JsonGrammar.Space, Text("]"));
        if (first > 0)
            return Sequence(Text("["), JsonGrammar.Space, behind, JsonGrammar.Space, Text("]"));
        var items = Sequence(rules.Of(At(parts, 0)), Repeat(item, Math.Max(0, counts.Least - 1), most - 1), JsonGrammar.Space);
        return Sequence(Text("["), JsonGrammar.Space, counts.Least == 0 ? Optional(items) : items, Text("]"));
    }

    // Whether nothing may stand where no schema speaks of it.
    private static bool IsClosed(IReadOnlyList<SchemaPlace> parts)
    {
        var isClosed = false;
        foreach (var part in parts)
        {
            if (!part.Has("unevaluatedItems", out var unevaluated))
                continue;
            if (unevaluated.Element.ValueKind is not (JsonValueKind.False or JsonValueKind.True))
                throw unevaluated.Fault("only 'true' and 'false' are supported; use 'items'");
            isClosed |= unevaluated.Element.ValueKind == JsonValueKind.False;
        }
        return isClosed;
    }

    // What the item at a place has to satisfy.
    private static List<SchemaPlace> At(IReadOnlyList<SchemaPlace> parts, int place)
    {
        var schemas = new List<SchemaPlace>();
        foreach (var part in parts)
        {
            var prefix = Prefix(part);
            if (place < prefix.Count)
                schemas.Add(prefix[place]);
            else if (Rest(part, out var rest))
                schemas.Add(rest);
            // An array that holds no such item holds others only.
            if (part.Denies("contains", out var denied))
                schemas.Add(denied.Denied());
        }
        return schemas;
    }

    private static List<SchemaPlace> Prefix(SchemaPlace part)
    {
        var prefix = part.Has("prefixItems", out var list) || (part.Has("items", out list) && list.Element.ValueKind == JsonValueKind.Array) ? list.Items().ToList() : [];
        return prefix.Count <= MostPrefix ? prefix : throw list.Fault($"it has {prefix.Count} schemas; {MostPrefix} are allowed");
    }

    private static bool Rest(SchemaPlace part, out SchemaPlace rest) =>
        (part.Has("items", out rest) && rest.Element.ValueKind != JsonValueKind.Array) || (rest.Element.ValueKind == JsonValueKind.Array && part.Has("additionalItems", out rest));
}
