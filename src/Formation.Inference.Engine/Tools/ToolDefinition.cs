using System.Text.Json;
using Formation.Inference.Engine.Grammars;

namespace Formation.Inference.Engine.Tools;

/// <summary>A tool that a model may call.</summary>
/// <param name="Name">Its name: letters, digits, <c>_</c> and <c>-</c>.</param>
/// <param name="Parameters">The JSON Schema of its arguments, or null for any object.</param>
internal sealed record ToolDefinition(string Name, JsonElement? Parameters)
{
    /// <summary>The tools of a request, in OpenAI's shape (see <see cref="ChatPrompt.Tools"/>).</summary>
    /// <exception cref="GrammarException">They have another shape.</exception>
    public static IReadOnlyList<ToolDefinition> Read(string? json)
    {
        if (json is null)
            return [];
        using var document = JsonDocument.Parse(json);
        return document.RootElement.ValueKind == JsonValueKind.Array
            ? [.. document.RootElement.EnumerateArray().Select(Read)]
            : throw new GrammarException("they are no array");
    }

    private static ToolDefinition Read(JsonElement tool)
    {
        if (tool.ValueKind != JsonValueKind.Object || !tool.TryGetProperty("function", out var function) || function.ValueKind != JsonValueKind.Object
            || !function.TryGetProperty("name", out var name) || name.ValueKind != JsonValueKind.String)
            throw new GrammarException("one of them is no function with a name");
        // Names stand in the text of calls: letters that a model could not tell from what is around them are no part of any.
        var text = name.GetRawText()[1..^1];
        if (text.Length is 0 or > 128 || text.Any(letter => !char.IsAsciiLetterOrDigit(letter) && letter is not ('_' or '-' or '.')))
            throw new GrammarException("the name of one has other characters than letters, digits, '_', '-' and '.', or not 1 to 128 of them");
        return new ToolDefinition(text, function.TryGetProperty("parameters", out var schema) && schema.ValueKind != JsonValueKind.Null ? schema.Clone() : null);
    }
}
