using System.Text.Json;
using Formation.Inference.Gateway.Requests;
using static Formation.Inference.Gateway.Requests.ParameterChecks;

namespace Formation.Inference.Gateway.HuggingFace.TextGeneration;

/// <summary>Step 3 for what an answer must be: <c>grammar</c>, an object of a type and a value.</summary>
internal static class GrammarMapping
{
    const string Name = "grammar", ValueName = "grammar.value";

    internal static OutputFormat ToFormat(JsonElement grammar)
    {
        if (grammar.ValueKind != JsonValueKind.Object)
            throw InvalidType(Name, "an object", grammar);
        string type = RequireString(grammar, "type", Name);
        OneOf($"{Name}.type", type, "json", "json_object", "regex", "json_schema");
        JsonElement value = Require(grammar, "value", Name);
        return type switch
        {
            "regex" => Format(OutputFormatKind.Pattern, ValueName, JsonWords.TryGetString(value) ?? throw InvalidType(ValueName, "a string", value)),
            "json_schema" => SchemaFormat($"{ValueName}.schema", SchemaOf(value)),
            _ => value.ValueKind == JsonValueKind.String ? Parsed(value) : SchemaFormat(ValueName, value),
        };
    }

    static JsonElement SchemaOf(JsonElement named) => named.ValueKind == JsonValueKind.Object
        ? Require(named, "schema", ValueName)
        : throw InvalidType(ValueName, "an object", named);

    /// <summary>A schema that is itself sent as a text.</summary>
    static OutputFormat Parsed(JsonElement value)
    {
        string text = JsonWords.TryGetString(value) ?? throw InvalidType(ValueName, "a JSON schema", value);
        try
        {
            using JsonDocument document = JsonDocument.Parse(text, new JsonDocumentOptions { MaxDepth = JsonBody.MaxDepth });
            return SchemaFormat(ValueName, document.RootElement);
        }
        catch (JsonException)
        {
            throw InvalidValue(ValueName, "the text is not JSON.");
        }
    }
}
