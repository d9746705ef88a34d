using System.Globalization;
using System.Text.Json;

namespace Formation.Inference.Engine.Grammars.Schemas;

/// <summary>Schemas that list their values: <c>enum</c> and <c>const</c>.</summary>
internal static class SchemaValues
{
    /// <summary>Values of one list at most.</summary>
    public const int MostValues = 2_000;

    // Integers between two bounds that are listed one by one at most.
    private const int MostIntegers = 256;

    private static readonly JsonElement[] Words = [JsonElement.Parse("null"), JsonElement.Parse("true"), JsonElement.Parse("false")];

    /// <summary>The values that are in all lists of some schemas, or null where there is no list.</summary>
    public static IReadOnlyList<JsonElement>? Of(IReadOnlyList<SchemaPlace> parts)
    {
        List<JsonElement>? values = null;
        foreach (var part in parts)
        {
            if (part.Has("const", out var single))
                values = Met(values, [single.Element]);
            if (part.Has("enum", out var list))
            {
                List<JsonElement> listed = [.. list.Items().Select(item => item.Element)];
                values = Met(values, listed.Count <= MostValues ? listed : throw list.Fault($"it has {listed.Count} values; {MostValues} are allowed"));
            }
        }
        return values;
    }

    /// <summary>Whether a value that is in all lists of some schemas may satisfy their other keywords; those on the parts of objects and arrays don't count.</summary>
    public static bool MayBe(JsonElement value, IReadOnlyList<SchemaPlace> parts)
    {
        if (Denied(parts).Any(denied => JsonElement.DeepEquals(denied.Element, value)))
            return false;
        switch (value.ValueKind)
        {
            case JsonValueKind.Number:
                return !ExactNumber.TryRead(value, out var number) || new NumberBounds(parts).Takes(number);
            case JsonValueKind.String:
                var text = value.GetString()!;
                var counts = Counts.Of(parts, "minLength", "maxLength");
                var length = text.EnumerateRunes().Count();
                return length >= counts.Least && !(length > counts.Most) && SchemaStrings.Languages(parts).All(language => language.Automaton.Takes(text));
            default:
                return true;
        }
    }

    /// <summary>A keyword that says something about the parts of an object or an array, if there is one.</summary>
    public static SchemaPlace? AboutParts(JsonElement value, IReadOnlyList<SchemaPlace> parts)
    {
        foreach (var part in parts)
        {
            if (value.ValueKind == JsonValueKind.Object && part.Claim is SchemaClaim.Lacks or SchemaClaim.Has or SchemaClaim.Misfits)
                return part;
            foreach (var (keyword, types) in JsonTypesReader.Keywords)
                if (value.ValueKind is JsonValueKind.Object or JsonValueKind.Array && (types & JsonTypesReader.Of(value)) != 0 && (part.Has(keyword, out var place) || part.Denies(keyword, out place)))
                    return place;
        }
        return null;
    }

    /// <summary>The values that a value must not be by some schemas.</summary>
    public static IEnumerable<SchemaPlace> Denied(IReadOnlyList<SchemaPlace> parts)
    {
        foreach (var part in parts)
        {
            if (part.Denies("const", out var single))
                yield return single;
            if (!part.Denies("enum", out var list))
                continue;
            if (list.Element.ValueKind == JsonValueKind.Array && list.Element.GetArrayLength() > MostValues)
                throw list.Fault($"it has {list.Element.GetArrayLength()} values; {MostValues} are allowed");
            foreach (var value in list.Items())
                yield return value;
        }
    }

    /// <summary>How many parts an object or an array has at least, so that it is none of those that it must not be.</summary>
    /// <exception cref="GrammarException">One of those has parts itself.</exception>
    public static int LeastParts(IReadOnlyList<SchemaPlace> parts, JsonValueKind kind)
    {
        var least = 0;
        foreach (var value in Denied(parts).Where(value => value.Element.ValueKind == kind))
            least = (kind == JsonValueKind.Array ? value.Element.GetArrayLength() : value.Element.GetPropertyCount()) > 0 ? throw value.Fault("an object or an array with parts can't be forbidden as a whole; forbid a property of it") : 1;
        return least;
    }

    /// <summary>All values of some variants, each once, or null where they can't be listed.</summary>
    public static IReadOnlyList<JsonElement>? All(IReadOnlyList<IReadOnlyList<SchemaPlace>> variants)
    {
        var all = new List<JsonElement>();
        foreach (var parts in variants)
        {
            var types = JsonTypesReader.Of(parts);
            var values = Of(parts) ?? Few(parts, types);
            if (values is null || all.Count + values.Count > MostValues)
                return null;
            foreach (var value in values)
                if ((JsonTypesReader.Of(value) & types) != 0 && AboutParts(value, parts) is null && MayBe(value, parts) && !all.Any(other => JsonElement.DeepEquals(other, value)))
                    all.Add(value);
        }
        return all;
    }

    // Words, and integers that are close to each other.
    private static List<JsonElement>? Few(IReadOnlyList<SchemaPlace> parts, JsonTypes types)
    {
        if ((types & ~(JsonTypes.Null | JsonTypes.Boolean | JsonTypes.Integer)) != 0)
            return null;
        List<JsonElement> values = [.. Words.Where(word => (JsonTypesReader.Of(word) & types) != 0)];
        if ((types & JsonTypes.Integer) == 0)
            return values;
        var bounds = new NumberBounds(parts);
        if (bounds.LeastInteger is not { } least || bounds.MostInteger is not { } most || most - least >= MostIntegers)
            return null;
        for (var integer = least; integer <= most; integer++)
            values.Add(JsonElement.Parse(integer.ToString(CultureInfo.InvariantCulture)));
        return values;
    }

    private static List<JsonElement> Met(List<JsonElement>? some, List<JsonElement> others) =>
        some is null ? others : [.. some.Where(one => others.Any(other => JsonElement.DeepEquals(one, other)))];
}
