using System.Text.Json;

namespace Formation.Inference.Engine.Grammars.Schemas;

/// <summary>Types of JSON values. A number is an integer or another one, so that both words of JSON Schema can be met with each other.</summary>
[Flags]
internal enum JsonTypes
{
    None = 0,
    Null = 1,
    Boolean = 2,
    Integer = 4,
    OtherNumber = 8,
    Number = Integer | OtherNumber,
    String = 16,
    Array = 32,
    Object = 64,
    All = Null | Boolean | Number | String | Array | Object,
}

/// <summary>Reads them.</summary>
internal static class JsonTypesReader
{
    /// <summary>What each keyword speaks about.</summary>
    public static IReadOnlyDictionary<string, JsonTypes> Keywords { get; } = new Dictionary<string, JsonTypes>(StringComparer.Ordinal)
    {
        ["properties"] = JsonTypes.Object,
        ["required"] = JsonTypes.Object,
        ["additionalProperties"] = JsonTypes.Object,
        ["patternProperties"] = JsonTypes.Object,
        ["propertyNames"] = JsonTypes.Object,
        ["minProperties"] = JsonTypes.Object,
        ["maxProperties"] = JsonTypes.Object,
        ["items"] = JsonTypes.Array,
        ["prefixItems"] = JsonTypes.Array,
        ["additionalItems"] = JsonTypes.Array,
        ["uniqueItems"] = JsonTypes.Array,
        ["minItems"] = JsonTypes.Array,
        ["maxItems"] = JsonTypes.Array,
        ["contains"] = JsonTypes.Array,
        ["pattern"] = JsonTypes.String,
        ["format"] = JsonTypes.String,
        ["minLength"] = JsonTypes.String,
        ["maxLength"] = JsonTypes.String,
        ["minimum"] = JsonTypes.Number,
        ["maximum"] = JsonTypes.Number,
        ["exclusiveMinimum"] = JsonTypes.Number,
        ["exclusiveMaximum"] = JsonTypes.Number,
        ["multipleOf"] = JsonTypes.Number,
    };

    /// <summary>The types that all of some schemas allow.</summary>
    /// <remarks>
    /// Where none names a type, but keywords speak about some (<c>properties</c>, <c>minLength</c>), those are meant: all other types would be allowed
    /// too, but no author of such a schema wants them written.
    /// </remarks>
    public static JsonTypes Of(IReadOnlyList<SchemaPlace> parts)
    {
        var named = Named(parts);
        if (!parts.Any(part => part.Has("type", out _) || part.Has("enum", out _) || part.Has("const", out _)))
        {
            var spoken = Keywords.Where(keyword => parts.Any(part => part.Has(keyword.Key, out _) || part.Denies(keyword.Key, out _))).Aggregate(JsonTypes.None, (types, keyword) => types | keyword.Value);
            if (parts.Any(part => part.Claim is SchemaClaim.Lacks or SchemaClaim.Has or SchemaClaim.Misfits))
                spoken |= JsonTypes.Object;
            named &= spoken == JsonTypes.None ? JsonTypes.All : spoken;
        }
        // Numbers that are no integers can't be written without those that are.
        return (named & JsonTypes.Integer) == 0 ? named & ~JsonTypes.OtherNumber : named;
    }

    /// <summary>The types that all of some schemas allow by name.</summary>
    public static JsonTypes Named(IReadOnlyList<SchemaPlace> parts)
    {
        var types = JsonTypes.All;
        foreach (var part in parts)
            types &= part.Has("type", out _) ? Named(part) : ~part.Without;
        return types;
    }

    /// <summary>The types that a schema's <c>type</c> names.</summary>
    public static JsonTypes Named(SchemaPlace part)
    {
        if (!part.Has("type", out var type))
            return JsonTypes.All;
        var types = type.Element.ValueKind == JsonValueKind.Array ? type.Items().Aggregate(JsonTypes.None, (types, item) => types | Single(item)) : Single(type);
        return types | (part.Has("nullable", out var nullable) && nullable.Element.ValueKind == JsonValueKind.True ? JsonTypes.Null : 0);
    }

    /// <summary>The type of a value.</summary>
    public static JsonTypes Of(JsonElement value) => value.ValueKind switch
    {
        JsonValueKind.Null => JsonTypes.Null,
        JsonValueKind.True or JsonValueKind.False => JsonTypes.Boolean,
        JsonValueKind.Number => ExactNumber.TryRead(value, out var number) && number.IsInteger ? JsonTypes.Integer : JsonTypes.OtherNumber,
        JsonValueKind.String => JsonTypes.String,
        JsonValueKind.Array => JsonTypes.Array,
        _ => JsonTypes.Object,
    };

    private static JsonTypes Single(SchemaPlace type) => type.Text() switch
    {
        "null" => JsonTypes.Null,
        "boolean" => JsonTypes.Boolean,
        "integer" => JsonTypes.Integer,
        "number" => JsonTypes.Number,
        "string" => JsonTypes.String,
        "array" => JsonTypes.Array,
        "object" => JsonTypes.Object,
        _ => throw type.Fault("is no type; use null, boolean, integer, number, string, array or object"),
    };
}
