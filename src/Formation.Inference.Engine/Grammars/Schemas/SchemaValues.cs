using System.Text.Json;

namespace Formation.Inference.Engine.Grammars.Schemas;

/// <summary>Schemas that list their values: <c>enum</c> and <c>const</c>.</summary>
internal static class SchemaValues
{
    /// <summary>Values of one list at most.</summary>
    public const int MostValues = 2_000;

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
            foreach (var (keyword, types) in JsonTypesReader.Keywords)
                if (value.ValueKind is JsonValueKind.Object or JsonValueKind.Array && (types & JsonTypesReader.Of(value)) != 0 && part.Has(keyword, out var place))
                    return place;
        return null;
    }

    private static List<JsonElement> Met(List<JsonElement>? some, List<JsonElement> others) =>
        some is null ? others : [.. some.Where(one => others.Any(other => JsonElement.DeepEquals(one, other)))];
}
