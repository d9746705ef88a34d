using System.Text.Json;
using Formation.Inference.Gateway.Requests;
using static Formation.Inference.Gateway.Requests.ParameterChecks;

namespace Formation.Inference.Gateway.Anthropic.Conversations;

/// <summary>Step 3 for tools: their definitions as chat templates know them, in OpenAI's shape, and how they may be called.</summary>
internal static class ToolDefinitions
{
    const int MaxTools = 128;
    const int MaxNameLength = 128;

    /// <summary>The tools to show to the model, and how it may call them; none of both where it may not.</summary>
    internal static (JsonElement? Tools, ToolUse? Use) Of(ConversationFields body)
    {
        List<Definition> tools = body.Tools is { } given ? Read(given) : [];
        ToolUse? use = Use(body.ToolChoice, [.. tools.Select(tool => tool.Name)]);
        return (use is null ? null : ToTemplate(tools), use);
    }

    static List<Definition> Read(JsonElement tools)
    {
        if (tools.ValueKind != JsonValueKind.Array)
            throw InvalidType("tools", "an array of tools", tools);
        Count("tools", tools.GetArrayLength(), 0, MaxTools);
        var read = new List<Definition>();
        var names = new HashSet<string>(StringComparer.Ordinal);
        foreach (JsonElement tool in tools.EnumerateArray())
        {
            string here = $"tools[{read.Count}]";
            Definition definition = Read(tool, here);
            if (!names.Add(definition.Name))
                throw InvalidValue($"{here}.name", "another tool has this name.");
            read.Add(definition);
        }

        return read;
    }

    static Definition Read(JsonElement tool, string here)
    {
        if (tool.ValueKind != JsonValueKind.Object)
            throw InvalidType(here, "an object", tool);
        if (IsGiven(tool, "type", out JsonElement type) && JsonWords.TryGetString(type) != "custom")
            throw UnsupportedValue(
                $"{here}.type", $"there are no tools of the type '{Shorten(JsonWords.TryGetString(type) ?? "")}' here; send tools of your own, with 'input_schema'.");
        ExtraInputs.None(
            tool, here, "type", "name", "description", "input_schema", "cache_control", "strict", "input_examples", "eager_input_streaming",
            "defer_loading", "allowed_callers");
        string name = RequireName(tool, here, MaxNameLength);
        string? description = null;
        if (IsGiven(tool, "description", out JsonElement words))
            description = JsonWords.TryGetString(words) ?? throw InvalidType($"{here}.description", "a string", words);
        JsonElement schema = Require(tool, "input_schema", here);
        if (schema.ValueKind != JsonValueKind.Object)
            throw InvalidType($"{here}.input_schema", "a JSON schema (an object)", schema);
        OneOf($"{here}.input_schema.type", RequireString(schema, "type", $"{here}.input_schema"), "object");
        CheckUnused(tool, here);
        return new Definition(name, description, schema);
    }

    /// <summary>What has no effect here: all calls are held to their schemas, streamed as they come, and the model itself makes them.</summary>
    static void CheckUnused(JsonElement tool, string here)
    {
        if (IsGiven(tool, "cache_control", out JsonElement cache))
            ContentBlock.CheckCacheControl(cache, $"{here}.cache_control");
        Flag(tool, "strict", here);
        Flag(tool, "eager_input_streaming", here);
        if (Flag(tool, "defer_loading", here) == true)
            throw UnsupportedValue($"{here}.defer_loading", "there is no search for tools here: all are shown. Leave it out.");
        if (IsGiven(tool, "input_examples", out JsonElement examples) && examples.ValueKind != JsonValueKind.Array)
            throw InvalidType($"{here}.input_examples", "an array", examples);
        if (!IsGiven(tool, "allowed_callers", out JsonElement callers))
            return;
        if (callers.ValueKind != JsonValueKind.Array)
            throw InvalidType($"{here}.allowed_callers", "an array", callers);
        if (!callers.EnumerateArray().Any(caller => JsonWords.TryGetString(caller) == "direct"))
            throw UnsupportedValue($"{here}.allowed_callers", "only the model itself calls tools here; leave it out or have 'direct' in it.");
    }

    static ToolUse? Use(JsonElement? choice, HashSet<string> names)
    {
        if (choice is not { } given)
            return names.Count > 0 ? new ToolUse(ToolChoice.Auto) : null;
        if (given.ValueKind != JsonValueKind.Object)
            throw InvalidType("tool_choice", "an object", given);
        string word = RequireString(given, "type", "tool_choice");
        OneOf("tool_choice.type", word, "auto", "any", "tool", "none");
        ExtraInputs.None(given, "tool_choice", word switch
        {
            "none" => ["type"],
            "tool" => ["type", "disable_parallel_tool_use", "name"],
            _ => ["type", "disable_parallel_tool_use"],
        });
        if (word == "none")
            return null;
        if (names.Count == 0)
            throw InvalidValue("tool_choice", "it is only allowed with 'tools'.");
        bool isParallel = Flag(given, "disable_parallel_tool_use", "tool_choice") != true;
        if (word != "tool")
            return new ToolUse(word == "auto" ? ToolChoice.Auto : ToolChoice.Required) { IsParallel = isParallel };
        string name = RequireString(given, "name", "tool_choice");
        return names.Contains(name)
            ? new ToolUse(ToolChoice.Required) { Name = name, IsParallel = isParallel }
            : throw InvalidValue("tool_choice.name", "none of 'tools' has this name.");
    }

    static JsonElement ToTemplate(List<Definition> tools) => JsonText.Build(json =>
    {
        json.WriteStartArray();
        foreach (Definition tool in tools)
        {
            json.WriteStartObject();
            json.WriteString("type", "function");
            json.WriteStartObject("function");
            json.WriteString("name", tool.Name);
            if (tool.Description is not null)
                json.WriteString("description", tool.Description);
            json.WritePropertyName("parameters");
            tool.InputSchema.WriteTo(json);
            json.WriteEndObject();
            json.WriteEndObject();
        }

        json.WriteEndArray();
    });

    readonly record struct Definition(string Name, string? Description, JsonElement InputSchema);
}
