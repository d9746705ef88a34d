using System.Text.Json;
using Formation.Inference.Gateway.Requests;
using static Formation.Inference.Gateway.Requests.ParameterChecks;

namespace Formation.Inference.Gateway.OpenAI.ChatCompletions;

/// <summary>Step 3 for the tools of a chat: their definitions are checked and given to the template as they are.</summary>
internal static class ToolsMapping
{
    const int MaxTools = 128, MaxNameLength = 64;

    /// <summary>The tools to show to the model, and how it may call them; none of both where it may not.</summary>
    internal static (JsonElement? Tools, ToolUse? Use) Of(ChatCompletionRequest body)
    {
        HashSet<string> names = body.Tools is { } tools ? Names(tools) : [];
        ToolUse? use = Use(body.ToolChoice, names);
        if (body.ParallelToolCalls is { } parallel)
        {
            if (names.Count == 0)
                throw InvalidValue("parallel_tool_calls", "it is only allowed with 'tools'.");
            if (use is not null)
                use = use with { IsParallel = parallel };
        }

        return (use is null ? null : body.Tools, use);
    }

    static HashSet<string> Names(JsonElement tools)
    {
        if (tools.ValueKind != JsonValueKind.Array)
            throw InvalidType("tools", "an array of tools", tools);
        Count("tools", tools.GetArrayLength(), 1, MaxTools);
        var names = new HashSet<string>(StringComparer.Ordinal);
        int index = 0;
        foreach (JsonElement tool in tools.EnumerateArray())
        {
            string here = $"tools[{index++}]";
            JsonElement function = Function(tool, here);
            string name = Name(function, $"{here}.function");
            if (!names.Add(name))
                throw InvalidValue($"{here}.function.name", "another tool has this name.");
            if (function.TryGetProperty("parameters", out JsonElement parameters) && parameters.ValueKind is not (JsonValueKind.Object or JsonValueKind.Null))
                throw InvalidType($"{here}.function.parameters", "a JSON schema (an object)", parameters);
            if (function.TryGetProperty("description", out JsonElement description)
                && description.ValueKind != JsonValueKind.Null && JsonWords.TryGetString(description) is null)
                throw InvalidType($"{here}.function.description", "a string", description);
        }

        return names;
    }

    static JsonElement Function(JsonElement tool, string here)
    {
        if (tool.ValueKind != JsonValueKind.Object)
            throw InvalidType(here, "an object", tool);
        if (!tool.TryGetProperty("type", out JsonElement type))
            throw Missing($"{here}.type");
        string kind = JsonWords.TryGetString(type) ?? throw InvalidType($"{here}.type", "a string", type);
        if (kind != "function")
            throw UnsupportedValue($"{here}.type", $"there are no tools of type '{Shorten(kind)}' here; send functions.");
        if (!tool.TryGetProperty("function", out JsonElement function))
            throw Missing($"{here}.function");
        return function.ValueKind == JsonValueKind.Object ? function : throw InvalidType($"{here}.function", "an object", function);
    }

    static string Name(JsonElement named, string here)
    {
        if (!named.TryGetProperty("name", out JsonElement value))
            throw Missing($"{here}.name");
        string name = JsonWords.TryGetString(value) ?? throw InvalidType($"{here}.name", "a string", value);
        Text($"{here}.name", name, MaxNameLength);
        return name.Length > 0 && name.All(letter => char.IsAsciiLetterOrDigit(letter) || letter is '_' or '-')
            ? name
            : throw InvalidValue($"{here}.name", "it may have letters, digits, '_' and '-', and needs one at least.");
    }

    static ToolUse? Use(JsonElement? choice, HashSet<string> names)
    {
        if (choice is not { } given)
            return names.Count > 0 ? new ToolUse(ToolChoice.Auto) : null;
        if (given.ValueKind == JsonValueKind.Object)
            return Named(given, names);
        string word = JsonWords.TryGetString(given) ?? throw InvalidType("tool_choice", "a string or an object", given);
        OneOf("tool_choice", word, "none", "auto", "required");
        if (word != "none" && names.Count == 0)
            throw InvalidValue("tool_choice", "it is only allowed with 'tools'.");
        return word switch
        {
            "none" => null,
            "auto" => new ToolUse(ToolChoice.Auto),
            _ => new ToolUse(ToolChoice.Required),
        };
    }

    static ToolUse Named(JsonElement choice, HashSet<string> names)
    {
        string name = Name(Function(choice, "tool_choice"), "tool_choice.function");
        return names.Contains(name)
            ? new ToolUse(ToolChoice.Required) { Name = name, IsParallel = false }
            : throw InvalidValue("tool_choice.function.name", "none of 'tools' has this name.");
    }
}
