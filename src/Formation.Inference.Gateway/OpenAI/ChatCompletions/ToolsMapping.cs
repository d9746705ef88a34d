using System.Text.Json;
using Formation.Inference.Gateway.OpenAI.Parameters;
using Formation.Inference.Gateway.Requests;
using static Formation.Inference.Gateway.Requests.ParameterChecks;

namespace Formation.Inference.Gateway.OpenAI.ChatCompletions;

/// <summary>Step 3 for the tools of a chat: their definitions are checked and given to the template as they are.</summary>
internal static class ToolsMapping
{
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
        Count("tools", tools.GetArrayLength(), 1, FunctionChecks.MaxTools);
        var names = new HashSet<string>(StringComparer.Ordinal);
        int index = 0;
        foreach (JsonElement tool in tools.EnumerateArray())
        {
            string here = $"tools[{index++}]";
            FunctionChecks.Check(Function(tool, here), $"{here}.function", names);
        }

        return names;
    }

    static JsonElement Function(JsonElement tool, string here)
    {
        if (tool.ValueKind != JsonValueKind.Object)
            throw InvalidType(here, "an object", tool);
        string kind = RequireString(tool, "type", here);
        if (kind != "function")
            throw UnsupportedValue($"{here}.type", $"there are no tools of type '{Shorten(kind)}' here; send functions.");
        JsonElement function = Require(tool, "function", here);
        return function.ValueKind == JsonValueKind.Object ? function : throw InvalidType($"{here}.function", "an object", function);
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
        string name = RequireName(Function(choice, "tool_choice"), "tool_choice.function");
        return names.Contains(name)
            ? new ToolUse(ToolChoice.Required) { Name = name, IsParallel = false }
            : throw InvalidValue("tool_choice.function.name", "none of 'tools' has this name.");
    }
}
