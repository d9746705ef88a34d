using System.Text.Json;
using Formation.Inference.Gateway.Requests;
using static Formation.Inference.Gateway.Requests.ParameterChecks;

namespace Formation.Inference.Gateway.Anthropic.Conversations;

/// <summary>Tool calls of earlier turns and their results, as chat templates know them: in OpenAI's shape.</summary>
internal static class ToolBlocks
{
    internal const int MaxCallsOfTurn = 128;

    /// <summary>Checks a block of the type <c>tool_use</c>.</summary>
    /// <returns>The call's id.</returns>
    internal static string Check(ContentBlock block)
    {
        block.CheckFields("id", "name", "input", "caller", "toolset_name");
        block.RequireString("name");
        if (!block.Json.TryGetProperty("input", out JsonElement input))
            throw Missing($"{block.Param}.input");
        if (input.ValueKind != JsonValueKind.Object)
            throw InvalidType($"{block.Param}.input", "an object", input);
        if (IsGiven(block.Json, "caller", out JsonElement caller)
            && !(caller.ValueKind == JsonValueKind.Object && caller.TryGetProperty("type", out JsonElement type) && JsonWords.TryGetString(type) == "direct"))
            throw UnsupportedValue($"{block.Param}.caller", "only the model itself calls tools here; leave it out or send {\"type\":\"direct\"}.");
        CheckNoToolset(block);
        return block.RequireString("id");
    }

    /// <summary>The calls of one turn, from checked blocks.</summary>
    internal static JsonElement ToCalls(IReadOnlyList<ContentBlock> blocks) => JsonText.Build(json =>
    {
        json.WriteStartArray();
        foreach (ContentBlock block in blocks)
        {
            json.WriteStartObject();
            json.WriteString("id", block.RequireString("id"));
            json.WriteString("type", "function");
            json.WriteStartObject("function");
            json.WriteString("name", block.RequireString("name"));
            json.WriteString("arguments", block.Json.GetProperty("input").GetRawText());
            json.WriteEndObject();
            json.WriteEndObject();
        }

        json.WriteEndArray();
    });

    /// <summary>What a tool answered: a block of the type <c>tool_result</c>.</summary>
    internal static ChatMessage ToResult(ContentBlock block, IReadOnlySet<string> knownIds)
    {
        block.CheckFields("tool_use_id", "content", "is_error", "toolset_name");
        string id = block.RequireString("tool_use_id");
        if (!knownIds.Contains(id))
            throw InvalidValue($"{block.Param}.tool_use_id", "no 'tool_use' block before it has this id.");

        // Templates have no place for it: what went wrong stands in the content.
        Flag(block.Json, "is_error", block.Param);
        CheckNoToolset(block);
        bool hasContent = IsGiven(block.Json, "content", out JsonElement content);
        return new ChatMessage("tool", hasContent ? ContentText.Of(content, $"{block.Param}.content") : "") { ToolCallId = id };
    }

    static void CheckNoToolset(ContentBlock block)
    {
        if (IsGiven(block.Json, "toolset_name", out _))
            throw Unsupported($"{block.Param}.toolset_name", "This server has no toolsets; leave it out.");
    }
}
