using System.Text.Json;
using System.Text.Json.Serialization.Metadata;
using Formation.Inference.Gateway.Errors;

namespace Formation.Inference.Gateway.Requests;

/// <summary>
/// Says why a body could not be read: where its syntax ends, which property stands twice, or which parameter has the wrong type and what it
/// should be. Works from the body and the expected type, never from the serializer's message, which may quote the body.
/// </summary>
internal static class JsonFailure
{
    internal static ApiError Explain(ReadOnlySpan<byte> json, JsonException exception, JsonTypeInfo type)
    {
        JsonDocument? document = TryParse(json, out JsonException? syntax);
        if (document is null)
            return Syntax(syntax!);
        using (document)
        {
            if (FindDuplicate(document.RootElement, "") is { } duplicate)
                return ApiError.BadParameter(duplicate, "duplicate_parameter", $"The parameter '{duplicate}' is given more than once.");
            return WrongType(document.RootElement, exception.Path ?? "$", type);
        }
    }

    static JsonDocument? TryParse(ReadOnlySpan<byte> json, out JsonException? failure)
    {
        failure = null;
        try
        {
            var reader = new Utf8JsonReader(json, new JsonReaderOptions { MaxDepth = JsonBody.MaxDepth });
            JsonDocument document = JsonDocument.ParseValue(ref reader);
            try
            {
                // Reading on past the value throws where anything but white space follows it.
                reader.Read();
                return document;
            }
            catch
            {
                document.Dispose();
                throw;
            }
        }
        catch (JsonException exception)
        {
            failure = exception;
            return null;
        }
    }

    internal static ApiError Syntax(JsonException failure) => ApiError.BadParameter(
        null,
        "invalid_json",
        $"The request body is not valid JSON from line {failure.LineNumber + 1}, byte {failure.BytePositionInLine + 1} on. "
        + $"Check for a missing quote, comma or bracket, for text after the end, and for nesting deeper than {JsonBody.MaxDepth}.");

    static ApiError WrongType(JsonElement root, string path, JsonTypeInfo type)
    {
        JsonElement value = root;
        Type expected = type.Type;
        string param = "";
        foreach (object step in JsonPath.Parse(path))
        {
            bool found = step is string name
                ? value.ValueKind == JsonValueKind.Object && value.TryGetProperty(name, out value)
                : value.ValueKind == JsonValueKind.Array && TryGetElement(ref value, (int)step);
            if (!found)
                break;
            param = JsonPath.Append(param, step);
            expected = Member(type.Options, expected, step);
        }

        string given = JsonWords.Describe(value);
        string wanted = JsonWords.Describe(expected);
        return param.Length == 0
            ? ApiError.BadParameter(null, "invalid_type", $"Invalid request body: expected {wanted}, but got {given} instead.")
            : ApiError.BadParameter(param, "invalid_type", $"Invalid type for '{param}': expected {wanted}, but got {given} instead.");
    }

    static bool TryGetElement(ref JsonElement array, int index)
    {
        if (index >= array.GetArrayLength())
            return false;
        array = array[index];
        return true;
    }

    static Type Member(JsonSerializerOptions options, Type type, object step)
    {
        JsonTypeInfo info = options.GetTypeInfo(Nullable.GetUnderlyingType(type) ?? type);
        return step is string name
            ? info.Properties.FirstOrDefault(property => property.Name == name)?.PropertyType ?? info.ElementType ?? type
            : info.ElementType ?? type;
    }

    static string? FindDuplicate(JsonElement element, string path)
    {
        if (element.ValueKind == JsonValueKind.Array)
        {
            int index = 0;
            foreach (JsonElement item in element.EnumerateArray())
                if (FindDuplicate(item, JsonPath.Append(path, index++)) is { } duplicate)
                    return duplicate;
        }
        else if (element.ValueKind == JsonValueKind.Object)
        {
            var names = new HashSet<string>(StringComparer.Ordinal);
            foreach (JsonProperty property in element.EnumerateObject())
            {
                string? name = JsonWords.TryGetName(property);
                if (name is null)
                    continue;
                string here = JsonPath.Append(path, name);
                if (!names.Add(name))
                    return here;
                if (FindDuplicate(property.Value, here) is { } duplicate)
                    return duplicate;
            }
        }

        return null;
    }
}
