using System.Text.Json.Nodes;
using Formation.Inference.Gateway.OpenAI.Embeddings;
using Microsoft.OpenApi;

namespace Formation.Inference.Gateway.OpenApi;

/// <summary>
/// Completes the schemas of requests by what their types can't say: parameters with several forms, and which are required. Parameters that
/// are there only to be refused by name are left out.
/// </summary>
internal static class RequestShapes
{
    /// <summary>How the generator names a property of any JSON value.</summary>
    const string AnyValue = "JsonElement";

    static readonly Dictionary<string, Func<OpenApiSchema>> Forms = new(StringComparer.Ordinal)
    {
        ["stop"] = () => OneOf("A text, or up to 16 texts, that end a choice. They are not part of its text.", String(), ArrayOf(String())),
        ["logit_bias"] = () => MapOf(Number(), "Biases, -100 to 100, by token id; at most 1024."),
        ["prompt"] = () => OneOf(
            "One or up to 128 prompts, as text or as token ids.",
            String(), ArrayOf(String()), ArrayOf(Integer()), ArrayOf(ArrayOf(Integer()))),
        ["CreateEmbeddingRequest.input"] = () => OneOf(
            "One or up to 2048 texts, as text or as token ids.",
            String(), ArrayOf(String()), ArrayOf(Integer()), ArrayOf(ArrayOf(Integer()))),
        ["content"] = () => OneOf("The text, or its parts.", String(), ArrayOf(TextPart())),
        ["tool_calls"] = () => ArrayOf(
            new OpenApiSchema { Type = JsonSchemaType.Object }, "Calls that the assistant made in an earlier turn."),
        ["metadata"] = () => MapOf(String(), "Accepted and not kept."),
        ["response_format"] = () => OneOf(
            "Any text, any JSON object, or JSON that a schema allows.",
            ObjectWith("type", Only("text")), ObjectWith("type", Only("json_object")), ObjectWith("type", Only("json_schema"))),
        ["json"] = () => new OpenApiSchema { Type = JsonSchemaType.Object, Description = "A JSON schema." },
        ["ChatCompletionRequest.tools"] = () => ArrayOf(ObjectWith("type", Only("function")), "Functions that the model may call."),
        ["ResponsesRequest.tools"] = () => ArrayOf(ObjectWith("type", Only("function")), "Functions that the model may call."),
        ["ResponsesRequest.metadata"] = () => MapOf(String(), "Kept with the response, at most 16."),
        ["input"] = () => OneOf(
            "The text, or items: messages, function_call, function_call_output, reasoning, item_reference.",
            String(), ArrayOf(new OpenApiSchema { Type = JsonSchemaType.Object })),
        ["format"] = () => OneOf(
            "Any text, any JSON object, or JSON that a schema allows.",
            ObjectWith("type", Only("text")), ObjectWith("type", Only("json_object")), ObjectWith("type", Only("json_schema"))),
        ["tool_choice"] = () => OneOf(
            "Whether the model calls functions, or the one that it calls.",
            new OpenApiSchema { Type = JsonSchemaType.String, Enum = [JsonValue.Create("none"), JsonValue.Create("auto"), JsonValue.Create("required")] },
            ObjectWith("type", Only("function"))),
        ["modalities"] = () => ArrayOf(Only("text")),
        ["system"] = () => OneOf("What stands before the conversation.", String(), ArrayOf(TextPart())),

        ["grammar"] = () => new OpenApiSchema { Type = JsonSchemaType.Object, Description = "What the answer must be: a type (json, regex, json_schema) and a value." },
        ["inputs"] = () => OneOf(
            "A text, token ids, or several of these.", String(), ArrayOf(Integer()), ArrayOf(String()), ArrayOf(ArrayOf(Integer()))),
        ["ids"] = () => OneOf("Token ids, or several sequences of these.", ArrayOf(Integer()), ArrayOf(ArrayOf(Integer()))),

        // What one type has under a name that others have, too.
        ["TurnFields.content"] = () => OneOf(
            "The text, or blocks of the types text, tool_use and tool_result.", String(), ArrayOf(new OpenApiSchema { Type = JsonSchemaType.Object })),
        ["MessagesRequest.tool_choice"] = () => ObjectWith("type", Only("none")),
        ["CountTokensRequest.tool_choice"] = () => ObjectWith("type", Only("none")),
    };

    static readonly Dictionary<string, string[]> Required = new(StringComparer.Ordinal)
    {
        ["ChatCompletionRequest"] = ["model", "messages"],
        ["CompletionRequest"] = ["model", "prompt"],
        ["ResponsesRequest"] = ["model"],
        ["CreateEmbeddingRequest"] = ["model", "input"],
        ["MessageFields"] = ["role"],
        ["FunctionCallFields"] = ["name", "arguments"],
        ["JoinTokenRequest"] = [],
        ["MessagesRequest"] = ["model", "messages", "max_tokens"],
        ["CountTokensRequest"] = ["model", "messages"],
        ["TurnFields"] = ["role", "content"],
        ["ThinkingFields"] = ["type"],
        ["CacheControlFields"] = ["type"],
        ["OutputConfigFields"] = [],
        ["MetadataFields"] = [],
    };

    internal static void Apply(Microsoft.OpenApi.OpenApiDocument document)
    {
        IDictionary<string, IOpenApiSchema> schemas = document.Components!.Schemas!;
        foreach ((string name, IOpenApiSchema schema) in schemas)
            if (schema is OpenApiSchema { Properties: { } properties } described)
            {
                Complete(name, properties);
                if (Required.TryGetValue(name, out string[]? required))
                    described.Required = new HashSet<string>(required, StringComparer.Ordinal);
                if (Required.ContainsKey(name) || name is "StreamOptionFields" or "StructuredOutputsFields")
                    described.AdditionalPropertiesAllowed = false;
            }

        schemas.Remove(AnyValue);
        schemas[nameof(EmbeddingValues)] = OneOf(
            "The values, as numbers or as base64 of four bytes each.", ArrayOf(new OpenApiSchema { Type = JsonSchemaType.Number }), String());
    }

    static void Complete(string type, IDictionary<string, IOpenApiSchema> properties)
    {
        string[] any = [.. properties.Where(property => IsAnyValue(property.Value)).Select(property => property.Key)];
        foreach (string name in any)
        {
            properties.Remove(name);
            if (Forms.TryGetValue($"{type}.{name}", out Func<OpenApiSchema>? form) || Forms.TryGetValue(name, out form))
                properties[name] = form();
        }
    }

    static bool IsAnyValue(IOpenApiSchema schema) =>
        schema is OpenApiSchemaReference { Reference.Id: AnyValue } || (schema.OneOf?.Any(IsAnyValue) ?? false);

    static OpenApiSchema String() => new() { Type = JsonSchemaType.String };

    static OpenApiSchema Integer() => new() { Type = JsonSchemaType.Integer, Minimum = "0" };

    static OpenApiSchema Number() => new() { Type = JsonSchemaType.Number, Minimum = "-100", Maximum = "100" };

    static OpenApiSchema Only(string value) => new() { Type = JsonSchemaType.String, Enum = [JsonValue.Create(value)] };

    static OpenApiSchema OneOf(string description, params IOpenApiSchema[] forms) => new() { Description = description, OneOf = forms };

    static OpenApiSchema ArrayOf(IOpenApiSchema items, string? description = null) =>
        new() { Type = JsonSchemaType.Array, Items = items, Description = description };

    static OpenApiSchema MapOf(IOpenApiSchema values, string description) =>
        new() { Type = JsonSchemaType.Object, AdditionalProperties = values, Description = description };

    static OpenApiSchema ObjectWith(string name, IOpenApiSchema value) => new()
    {
        Type = JsonSchemaType.Object,
        Properties = new Dictionary<string, IOpenApiSchema> { [name] = value },
        Required = new HashSet<string> { name },
    };

    static OpenApiSchema TextPart() => new()
    {
        Type = JsonSchemaType.Object,
        Properties = new Dictionary<string, IOpenApiSchema> { ["type"] = Only("text"), ["text"] = String() },
        Required = new HashSet<string> { "type", "text" },
    };
}
