using System.Text.Json;

namespace Formation.Inference.Gateway.Requests;

/// <summary>What kinds of JSON values are called in messages.</summary>
internal static class JsonWords
{
    /// <summary>The kind of a value that was given.</summary>
    internal static string Describe(JsonElement value) => value.ValueKind switch
    {
        JsonValueKind.Object => "an object",
        JsonValueKind.Array => "an array",
        JsonValueKind.String => TryGetString(value) is null ? "a string with half a surrogate pair" : "a string",
        JsonValueKind.Number => value.TryGetInt64(out _) ? "an integer" : IsWhole(value) ? "an integer beyond 64 bits" : "a decimal",
        JsonValueKind.True or JsonValueKind.False => "a boolean",
        _ => "null",
    };

    /// <summary>The kind of value that a type of a request stands for.</summary>
    internal static string Describe(Type type)
    {
        type = Nullable.GetUnderlyingType(type) ?? type;
        if (type == typeof(string))
            return "a string";
        if (type == typeof(bool))
            return "a boolean";
        if (type == typeof(long) || type == typeof(int))
            return "an integer";
        if (type == typeof(ulong))
            return "an integer from 0 on";
        if (type == typeof(double) || type == typeof(float))
            return "a decimal";
        bool isList = type.IsGenericType && type.GetGenericTypeDefinition() == typeof(List<>);
        return isList ? "an array" : type == typeof(JsonElement) ? "a JSON value" : "an object";
    }

    /// <summary>The string's text, or null where the value is no string or its escapes are no text (half a surrogate pair).</summary>
    internal static string? TryGetString(JsonElement value)
    {
        try
        {
            return value.ValueKind == JsonValueKind.String ? value.GetString() : null;
        }
        catch (InvalidOperationException)
        {
            return null;
        }
    }

    /// <summary>The property's name, or null where its escapes are no text.</summary>
    internal static string? TryGetName(JsonProperty property)
    {
        try
        {
            return property.Name;
        }
        catch (InvalidOperationException)
        {
            return null;
        }
    }

    static bool IsWhole(JsonElement number) => number.GetRawText().AsSpan().IndexOfAny(".eE") < 0;
}
