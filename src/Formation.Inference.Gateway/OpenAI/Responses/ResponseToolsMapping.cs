using System.Text.Json;
using Formation.Inference.Gateway.OpenAI.Parameters;
using Formation.Inference.Gateway.Requests;
using static Formation.Inference.Gateway.Requests.ParameterChecks;

namespace Formation.Inference.Gateway.OpenAI.Responses;

/// <summary>The tools of a response, checked.</summary>
/// <param name="Template">Those that may be called, as templates know them (chat's form), or null where none may.</param>
/// <param name="Use">How they may be called, or null where text is all that is wanted.</param>
/// <param name="Echo">All of them, as they came.</param>
internal sealed record ResponseTools(JsonElement? Template, ToolUse? Use, IReadOnlyList<JsonElement> Echo);

/// <summary>Step 3 for the tools of a response. Here a tool has its function's name and parameters itself; templates know chat's form.</summary>
internal static class ResponseToolsMapping
{
    internal static ResponseTools Of(ResponsesRequest body)
    {
        JsonElement[] tools = body.Tools is { } given ? List(given) : [];
        var names = new HashSet<string>(StringComparer.Ordinal);
        for (int i = 0; i < tools.Length; i++)
        {
            RequireFunction(tools[i], $"tools[{i}]");
            FunctionChecks.Check(tools[i], $"tools[{i}]", names);
        }

        (ToolUse? use, HashSet<string> allowed) = Use(body.ToolChoice, names);
        if (use is not null && body.ParallelToolCalls is { } parallel && use.Name is null)
            use = use with { IsParallel = parallel };
        return new ResponseTools(use is null ? null : ForTemplate(tools, allowed), use, [.. tools.Select(Echo)]);
    }

    static JsonElement[] List(JsonElement tools)
    {
        if (tools.ValueKind != JsonValueKind.Array)
            throw InvalidType("tools", "an array of tools", tools);
        Count("tools", tools.GetArrayLength(), 0, FunctionChecks.MaxTools);
        return [.. tools.EnumerateArray()];
    }

    static void RequireFunction(JsonElement tool, string here)
    {
        if (tool.ValueKind != JsonValueKind.Object)
            throw InvalidType(here, "an object", tool);
        string kind = RequireString(tool, "type", here);
        if (kind != "function")
            throw UnsupportedValue($"{here}.type", $"there are no tools of type '{Shorten(kind)}' here; send functions.");
    }

    /// <summary>How tools may be called, and which.</summary>
    static (ToolUse? Use, HashSet<string> Allowed) Use(JsonElement? choice, HashSet<string> names)
    {
        if (choice is not { } given)
            return (names.Count > 0 ? new ToolUse(ToolChoice.Auto) : null, names);
        if (given.ValueKind == JsonValueKind.Object)
            return UseOf(given, names);
        string word = JsonWords.TryGetString(given) ?? throw InvalidType("tool_choice", "a string or an object", given);
        OneOf("tool_choice", word, "none", "auto", "required");
        if (word == "required" && names.Count == 0)
            throw InvalidValue("tool_choice", "it is only allowed with 'tools'.");
        return (word == "none" || names.Count == 0 ? null : new ToolUse(word == "auto" ? ToolChoice.Auto : ToolChoice.Required), names);
    }

    static (ToolUse? Use, HashSet<string> Allowed) UseOf(JsonElement choice, HashSet<string> names)
    {
        string kind = RequireString(choice, "type", "tool_choice");
        if (kind == "function")
            return (new ToolUse(ToolChoice.Required) { Name = Known(choice, "tool_choice", names), IsParallel = false }, names);
        if (kind != "allowed_tools")
            throw UnsupportedValue("tool_choice.type", $"there are no tools of type '{Shorten(kind)}' here; send 'function' or 'allowed_tools'.");
        string mode = RequireString(choice, "mode", "tool_choice");
        OneOf("tool_choice.mode", mode, "auto", "required");
        JsonElement tools = Require(choice, "tools", "tool_choice");
        if (tools.ValueKind != JsonValueKind.Array)
            throw InvalidType("tool_choice.tools", "an array of tools", tools);
        Count("tool_choice.tools", tools.GetArrayLength(), 1, FunctionChecks.MaxTools);
        var allowed = new HashSet<string>(StringComparer.Ordinal);
        int index = 0;
        foreach (JsonElement tool in tools.EnumerateArray())
        {
            string here = $"tool_choice.tools[{index++}]";
            RequireFunction(tool, here);
            allowed.Add(Known(tool, here, names));
        }

        return (new ToolUse(mode == "auto" ? ToolChoice.Auto : ToolChoice.Required), allowed);
    }

    static string Known(JsonElement tool, string here, HashSet<string> names)
    {
        string name = RequireName(tool, here);
        return names.Contains(name) ? name : throw InvalidValue($"{here}.name", "none of 'tools' has this name.");
    }

    // A tool that may not be called is not shown either: the model would only be led astray.
    static JsonElement ForTemplate(JsonElement[] tools, HashSet<string> allowed) => JsonText.Build(json =>
    {
        json.WriteStartArray();
        foreach (JsonElement tool in tools.Where(tool => allowed.Contains(tool.GetProperty("name").GetString()!)))
        {
            json.WriteStartObject();
            json.WriteString("type", "function");
            json.WriteStartObject("function");
            foreach (string part in (string[])["name", "description", "parameters", "strict"])
                if (IsGiven(tool, part, out JsonElement value))
                {
                    json.WritePropertyName(part);
                    value.WriteTo(json);
                }

            json.WriteEndObject();
            json.WriteEndObject();
        }

        json.WriteEndArray();
    });

    static JsonElement Echo(JsonElement tool) => JsonText.Build(json =>
    {
        json.WriteStartObject();
        json.WriteString("type", "function");
        foreach (string part in (string[])["name", "description", "parameters", "strict"])
        {
            json.WritePropertyName(part);
            if (tool.TryGetProperty(part, out JsonElement value))
                value.WriteTo(json);
            else if (part == "strict")
                json.WriteBooleanValue(true);
            else
                json.WriteNullValue();
        }

        json.WriteEndObject();
    });
}
