using System.Text.Json;

namespace Formation.Inference.Engine.Grammars.Schemas;

/// <summary>
/// Whether a value can satisfy two schemas: "no" is certain, by types, values, bounds, or a property that one requires and both can't agree on; "maybe" is
/// not.
/// </summary>
internal sealed class SchemaOverlap(SchemaDocument document)
{
    // How deep properties are looked into, and how often in all.
    private const int MostDepth = 4, MostWork = 100_000;

    private int _work;

    /// <param name="place">Whose check it is.</param>
    /// <param name="left">The variants of one.</param>
    /// <param name="right">Those of the other.</param>
    public bool MayBe(SchemaPlace place, IReadOnlyList<IReadOnlyList<SchemaPlace>> left, IReadOnlyList<IReadOnlyList<SchemaPlace>> right, int depth = 0)
    {
        if ((_work += left.Count * right.Count) > MostWork)
            throw place.Fault("it has too many alternatives to tell them apart; use fewer");
        return left.Any(one => right.Any(other => MayBe(place, one, other, depth)));
    }

    private bool MayBe(SchemaPlace place, IReadOnlyList<SchemaPlace> left, IReadOnlyList<SchemaPlace> right, int depth)
    {
        IReadOnlyList<SchemaPlace> both = [.. left, .. right];
        var types = JsonTypesReader.Named(both);
        if (SchemaValues.Of(both) is { } values)
            return values.Any(value => (JsonTypesReader.Of(value) & types) != 0 && SchemaValues.MayBe(value, both));
        if ((types & (JsonTypes.Null | JsonTypes.Boolean)) != 0)
            return true;
        return ((types & JsonTypes.Number) != 0 && !new NumberBounds(both).IsEmpty((types & JsonTypes.OtherNumber) == 0))
            || ((types & JsonTypes.String) != 0 && !Counts.Of(both, "minLength", "maxLength").IsEmpty)
            || ((types & JsonTypes.Array) != 0 && !Counts.Of(both, "minItems", "maxItems").IsEmpty)
            || ((types & JsonTypes.Object) != 0 && !Counts.Of(both, "minProperties", "maxProperties").IsEmpty && MayBeObject(place, left, right, depth));
    }

    private bool MayBeObject(SchemaPlace place, IReadOnlyList<SchemaPlace> left, IReadOnlyList<SchemaPlace> right, int depth)
    {
        if (depth == MostDepth)
            return true;
        foreach (var name in left.Concat(right).SelectMany(SchemaObjects.Required).Distinct(StringComparer.Ordinal))
        {
            var (one, other) = (SchemaObjects.Value(left, name), SchemaObjects.Value(right, name));
            if (one is null || other is null)
                return false;
            if (one.Count > 0 && other.Count > 0 && !MayBe(place, document.Variants(one), document.Variants(other), depth + 1))
                return false;
        }
        return true;
    }
}
