using System.Text.Json;
using Formation.Inference.Gateway.Requests;
using static Formation.Inference.Gateway.Requests.ParameterChecks;

namespace Formation.Inference.Gateway.OpenAI.Parameters;

/// <summary>Step 3 for what the output must be: chat's <c>response_format</c>, and <c>structured_outputs</c>, which is not OpenAI's (vLLM has it).</summary>
internal static class FormatMapping
{
    internal const string ResponseFormatName = "response_format", StructuredOutputsName = "structured_outputs", TextFormatName = "text.format";

    /// <summary>The format that a request asks for in either way, or null.</summary>
    internal static OutputFormat? ToFormat(JsonElement? responseFormat, StructuredOutputsFields? structured)
    {
        var format = responseFormat is { } given ? OfResponseFormat(given) : null;
        if (structured is null)
            return format;
        if (format is not null)
            throw InvalidValue(StructuredOutputsName, $"'{ResponseFormatName}' asks for a format, too; send one of them.");
        return OfStructuredOutputs(structured);
    }

    static OutputFormat? OfResponseFormat(JsonElement format)
    {
        if (format.ValueKind != JsonValueKind.Object)
            throw InvalidType(ResponseFormatName, "an object", format);
        string name = RequireString(format, "type", ResponseFormatName);
        OneOf($"{ResponseFormatName}.type", name, "text", "json_object", "json_schema");
        NoneOther(format, ResponseFormatName, name == "json_schema" ? ["type", "json_schema"] : ["type"]);
        return name switch
        {
            "text" => null,
            "json_object" => OutputFormat.JsonObject,
            _ => OfJsonSchema(format),
        };
    }

    /// <summary>The Responses API's <c>text.format</c>, which has a schema's name and the schema beside the type.</summary>
    internal static OutputFormat? OfTextFormat(JsonElement format)
    {
        if (format.ValueKind != JsonValueKind.Object)
            throw InvalidType(TextFormatName, "an object", format);
        string name = RequireString(format, "type", TextFormatName);
        OneOf($"{TextFormatName}.type", name, "text", "json_object", "json_schema");
        return name switch
        {
            "text" => null,
            "json_object" => OutputFormat.JsonObject,
            _ => OfNamedSchema(format, TextFormatName),
        };
    }

    static OutputFormat OfJsonSchema(JsonElement format)
    {
        const string Path = $"{ResponseFormatName}.json_schema";
        JsonElement named = Require(format, "json_schema", ResponseFormatName);
        if (named.ValueKind != JsonValueKind.Object)
            throw InvalidType(Path, "an object", named);
        NoneOther(named, Path, ["name", "description", "schema", "strict"]);
        return OfNamedSchema(named, Path);
    }

    static OutputFormat OfNamedSchema(JsonElement named, string path)
    {
        RequireName(named, path);

        // The output is held to the schema whether it is called strict or not: nobody who sends one wants anything else.
        Flag(named, "strict", path);
        return IsGiven(named, "schema", out JsonElement schema) ? SchemaFormat($"{path}.schema", schema) : OutputFormat.JsonObject;
    }

    static OutputFormat OfStructuredOutputs(StructuredOutputsFields fields)
    {
        NoneUnknown(fields.Unknown, StructuredOutputsName);
        OutputFormat?[] given =
        [
            fields.Json is { } schema ? SchemaFormat(Path("json"), schema) : null,
            fields.JsonObject == true ? OutputFormat.JsonObject : null,
            fields.Regex is { } pattern ? Format(OutputFormatKind.Pattern, Path("regex"), pattern) : null,
            fields.Grammar is { } grammar ? Format(OutputFormatKind.Grammar, Path("grammar"), grammar) : null,
            fields.Choice is { } choices ? Format(OutputFormatKind.Choice, Path("choice"), Choices(choices)) : null,
        ];
        OutputFormat[] formats = [.. given.OfType<OutputFormat>()];
        return formats is [var format]
            ? format
            : throw InvalidValue(StructuredOutputsName, "it needs exactly one of 'json', 'json_object', 'regex', 'grammar' and 'choice'.");
    }

    static string Choices(List<string?> choices)
    {
        Count(Path("choice"), choices.Count, 1, 1024);
        return choices.Contains(null)
            ? throw InvalidValue(Path("choice"), "a choice is null; it must be a string.")
            : JsonSerializer.Serialize(choices, OpenAIJsonContext.Default.ListString);
    }

    static string Path(string field) => $"{StructuredOutputsName}.{field}";

    static void NoneOther(JsonElement given, string path, ReadOnlySpan<string> known)
    {
        if (FirstOther(given, path, known) is { } other)
            throw Unknown(other);
    }
}
