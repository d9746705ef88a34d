using System.Text.Json;

namespace Formation.Inference.Engine.Grammars.Schemas;

/// <summary>
/// The ways not to satisfy a schema: one of its keywords fails. They are as exact as what they deny: neither is a value left out that does not satisfy it, nor
/// is one in it that does.
/// </summary>
internal sealed class SchemaDenial(SchemaDocument document)
{
    private static readonly IReadOnlyList<IReadOnlyList<SchemaPlace>> None = [];

    private static readonly string[] Unsupported =
    [
        "oneOf", "format", "multipleOf", "items", "prefixItems", "additionalItems", "unevaluatedItems", "uniqueItems", "additionalProperties", "patternProperties", "propertyNames",
        "unevaluatedProperties", "dependencies", "minContains", "maxContains",
    ];

    /// <param name="schema">The schema that is not to be satisfied.</param>
    /// <exception cref="GrammarException">A keyword can't be denied, or there are too many ways.</exception>
    public IReadOnlyList<IReadOnlyList<SchemaPlace>> Of(SchemaPlace schema)
    {
        SchemaDocument.CheckKeywords(schema);
        var ways = new List<IReadOnlyList<SchemaPlace>>();
        foreach (var keyword in schema.Members().Select(member => member.Name).Distinct(StringComparer.Ordinal))
        {
            schema.Has(keyword, out var place);
            ways.AddRange(Of(schema, keyword, place));
            if (ways.Count > SchemaDocument.MostVariants)
                throw schema.Fault($"there are more than {SchemaDocument.MostVariants} ways not to satisfy it; make it simpler");
        }
        if (ways.Count == 0)
            document.Contradict(schema, "it must not be satisfied, and every value satisfies it");
        return ways;
    }

    private IEnumerable<IReadOnlyList<SchemaPlace>> Of(SchemaPlace schema, string keyword, SchemaPlace place)
    {
        switch (keyword)
        {
            case "$ref":
                return document.Open(document.Resolve(place).Denied());
            case "allOf":
                return place.Items().SelectMany(part => document.Open(part.Denied()));
            case "anyOf":
                return place.Items().Aggregate(SchemaDocument.Any, (ways, part) => document.Product(schema, ways, document.Open(part.Denied())));
            case "not":
                return document.Open(place);
            case "if":
                return If(schema, place);
            case "type":
                return [[Fails(place, keyword, JsonTypesReader.Named(schema))]];
            case "const" or "enum":
                return [[Fails(place, keyword, JsonTypes.None)]];
            case "required":
                return place.Items().Select(name => (IReadOnlyList<SchemaPlace>)[new SchemaPlace(name.Pointer, name.Element) { Claim = SchemaClaim.Lacks, About = name.Text(), Without = ~JsonTypes.Object }]);
            case "properties":
                return place.Members().Where(member => !member.Place.IsTrue)
                    .Select(member => (IReadOnlyList<SchemaPlace>)[member.Place with { Claim = SchemaClaim.Misfits, About = member.Name, Without = ~JsonTypes.Object }]);
            case "dependentRequired":
                return place.Members().SelectMany(member => member.Place.Items().Select(name => (IReadOnlyList<SchemaPlace>)
                    [Present(member.Place, member.Name), new SchemaPlace(name.Pointer, name.Element) { Claim = SchemaClaim.Lacks, About = name.Text(), Without = ~JsonTypes.Object }]));
            case "dependentSchemas":
                return place.Members().SelectMany(member => document.Product(schema, [[Present(member.Place, member.Name)]], document.Open(member.Place.Denied())));
            // A word of draft 4 on the bound beside it.
            case "exclusiveMinimum" or "exclusiveMaximum" when place.Element.ValueKind is JsonValueKind.True or JsonValueKind.False:
                return None;
            case "minimum" or "maximum" when schema.Has(keyword == "minimum" ? "exclusiveMinimum" : "exclusiveMaximum", out var exclusive) && exclusive.Element.ValueKind == JsonValueKind.True:
                return [[Fails(place, keyword == "minimum" ? "exclusiveMinimum" : "exclusiveMaximum", ~JsonTypes.Number)]];
            case "minimum" or "maximum" or "exclusiveMinimum" or "exclusiveMaximum" or "pattern" or "minLength" or "maxLength" or "minItems" or "maxItems" or "minProperties" or "maxProperties" or "contains":
                return [[Fails(place, keyword, ~JsonTypesReader.Keywords[keyword])]];
            default:
                if (Unsupported.Contains(keyword, StringComparer.Ordinal) && place.Element.ValueKind != JsonValueKind.True && !(place.HasKeywords && place.Element.GetPropertyCount() == 0))
                    throw place.Fault($"'{keyword}' is not supported in a schema that must not hold ('not', or 'if' with its 'else'); say it with type, const, enum, required, properties or bounds");
                return None;
        }
    }

    private IEnumerable<IReadOnlyList<SchemaPlace>> If(SchemaPlace schema, SchemaPlace condition)
    {
        var ways = new List<IReadOnlyList<SchemaPlace>>();
        if (schema.Has("then", out var then))
            ways.AddRange(document.Product(schema, document.Open(condition), document.Open(then.Denied())));
        if (schema.Has("else", out var otherwise))
            ways.AddRange(document.Product(schema, document.Open(condition.Denied()), document.Open(otherwise.Denied())));
        return ways;
    }

    private static SchemaPlace Fails(SchemaPlace place, string keyword, JsonTypes without) => place with { Claim = SchemaClaim.FailsKeyword, About = keyword, Without = without };

    private static SchemaPlace Present(SchemaPlace place, string name) => place with { Claim = SchemaClaim.Has, About = name, Without = ~JsonTypes.Object };
}
