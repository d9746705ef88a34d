using System.Globalization;
using System.Text.Json;
using Formation.Inference.Gateway.Errors;

namespace Formation.Inference.Gateway.Requests;

/// <summary>Checks of single parameters. A failure names the parameter, the limit and the value, with OpenAI's codes.</summary>
internal static class ParameterChecks
{

    internal const int MaxModelIdLength = 256;
    internal const int MaxStopStrings = 16;
    internal const int MaxStopStringLength = 1024;

    /// <summary>The model's id; that there is such a model is checked against the catalogue.</summary>
    internal static string ModelId(string? model) =>
        string.IsNullOrEmpty(model) ? throw Missing("model") : Text("model", model, MaxModelIdLength)!;

    /// <summary>A text that ends a choice.</summary>
    internal static string StopString(string param, string value) => value.Length == 0
        ? throw InvalidValue(param, "a stop sequence has at least one character.")
        : Text(param, value, MaxStopStringLength)!;

    internal static ApiErrorException Fail(string param, string code, string message) => new(ApiError.BadParameter(param, code, message));

    internal static ApiErrorException Missing(string param) =>
        Fail(param, "missing_required_parameter", $"Missing required parameter: '{param}'.");

    internal static ApiErrorException InvalidType(string param, string expected, JsonElement given) =>
        Fail(param, "invalid_type", $"Invalid type for '{param}': expected {expected}, but got {JsonWords.Describe(given)} instead.");

    internal static ApiErrorException InvalidValue(string param, string message) =>
        Fail(param, "invalid_value", $"Invalid value for '{param}': {message}");

    /// <summary>A parameter of the API that this server does not have.</summary>
    internal static ApiErrorException Unsupported(string param, string why) =>
        Fail(param, "unsupported_parameter", $"Unsupported parameter: '{param}'. {why}");

    /// <summary>A value that the API allows and this server does not.</summary>
    internal static ApiErrorException UnsupportedValue(string param, string why) =>
        Fail(param, "unsupported_value", $"Unsupported value for '{param}': {why}");

    /// <summary>Texts that end a choice.</summary>
    internal static string[] StopStrings(string param, List<string?>? given)
    {
        if (given is null)
            return [];
        Count(param, given.Count, 0, MaxStopStrings);
        return [.. given.Select((text, index) => StopString($"{param}[{index}]", text ?? throw InvalidValue($"{param}[{index}]", "it is null; send a text.")))];
    }

    /// <summary>What an answer must be, by a description that is not too long.</summary>
    internal static OutputFormat Format(OutputFormatKind kind, string param, string source) => new(kind, Text(param, source, OutputFormat.MaxSourceLength)!);

    /// <summary>JSON that a schema allows.</summary>
    internal static OutputFormat SchemaFormat(string param, JsonElement schema) => schema.ValueKind is JsonValueKind.Object or JsonValueKind.True or JsonValueKind.False
        ? Format(OutputFormatKind.JsonSchema, param, schema.GetRawText())
        : throw InvalidType(param, "a JSON schema (an object or a boolean)", schema);

    /// <summary>Refuses a parameter of the API that this server does not have, where it is given.</summary>
    internal static void Refuse(string param, JsonElement? value, string why)
    {
        if (value is not null)
            throw Unsupported(param, why);
    }

    /// <summary>A property that has to be there, of any kind.</summary>
    internal static JsonElement Require(JsonElement element, string name, string path) =>
        element.TryGetProperty(name, out JsonElement value) ? value : throw Missing($"{path}.{name}");

    /// <summary>A property that need not be there; null says as much as nothing.</summary>
    internal static bool IsGiven(JsonElement element, string name, out JsonElement value) =>
        element.TryGetProperty(name, out value) && value.ValueKind != JsonValueKind.Null;

    /// <summary>A property that need not be there, and is a boolean where it is.</summary>
    internal static bool? Flag(JsonElement element, string name, string path) => !IsGiven(element, name, out JsonElement value) ? null
        : value.ValueKind is JsonValueKind.True or JsonValueKind.False ? value.GetBoolean()
        : throw InvalidType($"{path}.{name}", "a boolean", value);

    /// <summary>A property that has to be there and be a string.</summary>
    internal static string RequireString(JsonElement element, string name, string path)
    {
        JsonElement value = Require(element, name, path);
        return JsonWords.TryGetString(value) ?? throw InvalidType($"{path}.{name}", "a string", value);
    }

    /// <summary>A property that has to be there and be a name as the APIs have them; OpenAI's are at most 64 characters long.</summary>
    internal static string RequireName(JsonElement element, string path, int maxLength = 64)
    {
        string name = Text($"{path}.name", RequireString(element, "name", path), maxLength)!;
        return name.Length > 0 && name.All(letter => char.IsAsciiLetterOrDigit(letter) || letter is '_' or '-')
            ? name
            : throw InvalidValue($"{path}.name", "it may have letters, digits, '_' and '-', and needs one at least.");
    }

    /// <summary>The path of the first property of an object that is none of some, or null where there is none such.</summary>
    internal static string? FirstOther(JsonElement element, string path, ReadOnlySpan<string> known)
    {
        foreach (JsonProperty property in element.EnumerateObject())
            if (JsonWords.TryGetName(property) is not { } name || !known.Contains(name))
                return JsonPath.Append(path, JsonWords.TryGetName(property) ?? "");
        return null;
    }

    internal static long? Integer(string param, long? value, long minimum, long maximum)
    {
        if (value < minimum)
            throw Fail(param, "integer_below_min_value",
                $"Invalid '{param}': integer below minimum value. Expected a value >= {minimum}, but got {value} instead.");
        if (value > maximum)
            throw Fail(param, "integer_above_max_value",
                $"Invalid '{param}': integer above maximum value. Expected a value <= {maximum}, but got {value} instead.");
        return value;
    }

    internal static float? Decimal(string param, double? value, double minimum, double maximum, bool aboveMinimum = false)
    {
        if (value is not { } given)
            return null;
        if (given < minimum || (aboveMinimum && given == minimum))
            throw Fail(param, "decimal_below_min_value",
                $"Invalid '{param}': decimal below minimum value. Expected a value {(aboveMinimum ? ">" : ">=")} {Text(minimum)}, but got "
                + $"{Text(given)} instead.");
        if (!(given <= maximum))
            throw Fail(param, "decimal_above_max_value",
                $"Invalid '{param}': decimal above maximum value. Expected a value <= {Text(maximum)}, but got {Text(given)} instead.");
        return (float)given;
    }

    internal static string? Text(string param, string? value, int maxLength)
    {
        if (value?.Length > maxLength)
            throw Fail(param, "string_above_max_length",
                $"Invalid '{param}': string too long. Expected at most {maxLength} characters, but got {value.Length} instead.");
        return value;
    }

    internal static string? OneOf(string param, string? value, params ReadOnlySpan<string> allowed)
    {
        if (value is null || allowed.Contains(value))
            return value;
        throw Fail(param, "invalid_value",
            $"Invalid value for '{param}': '{Shorten(value)}'. Supported values are: '{string.Join("', '", allowed!)}'.");
    }

    internal static void Count(string param, int count, int minimum, int maximum)
    {
        if (count < minimum)
            throw Fail(param, minimum == 1 ? "empty_array" : "array_below_min_length",
                $"Invalid '{param}': array too short. Expected {minimum} or more elements, but got {count} instead.");
        if (count > maximum)
            throw Fail(param, "array_above_max_length",
                $"Invalid '{param}': array too long. Expected at most {maximum} elements, but got {count} instead.");
    }

    /// <summary>Refuses what no endpoint of this kind has.</summary>
    internal static void NoneUnknown(Dictionary<string, JsonElement>? unknown, string path = "")
    {
        if (unknown is null || unknown.Count == 0)
            return;
        string param = JsonPath.Append(path, unknown.Keys.First());
        throw Unknown(param);
    }

    internal static ApiErrorException Unknown(string param) =>
        Fail(param, "unknown_parameter", $"Unrecognized request argument supplied: {param}");

    /// <summary>A value of a client in a message: never long, so that an answer can't be made large.</summary>
    internal static string Shorten(string value) => value.Length <= 64 ? value : value[..64] + "…";

    static string Text(double value) => value.ToString("R", CultureInfo.InvariantCulture);
}
