using System.Text.Json;
using Formation.Inference.Gateway.Formation.Requests;
using Formation.Inference.Gateway.Requests;
using static Formation.Inference.Gateway.Requests.ParameterChecks;

namespace Formation.Inference.Gateway.Anthropic.Conversations;

/// <summary>Step 3 for what messages and the count of their tokens share: the prompt, and what the answer to it must be.</summary>
internal static class ConversationMapping
{
    const string Format = "output_config.format";

    /// <summary>The prompt, how the model may call the tools that it shows, and the format of its text.</summary>
    internal static (ChatPrompt Prompt, ToolUse? ToolUse, OutputFormat? Format) Of(ConversationFields body)
    {
        RefuseUnsupported(body);
        (IReadOnlyList<ChatMessage> messages, SensitiveText? prefix) = Turns.Of(body);
        if (prefix is not null && body.Thinking is { Type: not "disabled" })
            throw InvalidValue("thinking", "the beginning of the assistant's answer is given, so that there is no thought before it; leave one of them out.");
        (JsonElement? tools, ToolUse? use) = ToolDefinitions.Of(body);
        var prompt = new ChatPrompt(messages) { Tools = tools, AssistantPrefix = prefix, TemplateVariables = TemplateVariables(body) };
        return (prompt, use, body.OutputConfig?.Format is { } format ? ToFormat(format) : null);
    }

    /// <summary>Anthropic's name for a part of a <see cref="GenerationRequest"/> that the engine found fault with.</summary>
    internal static string? ParameterName(string part) => part switch
    {
        nameof(GenerationRequest.Prompt) => "messages",
        nameof(GenerationRequest.ModelId) => "model",
        nameof(StopConditions.MaxTokens) or "Stop.MaxTokens" => "max_tokens",
        nameof(StopConditions.Strings) or "Stop.Strings" => "stop_sequences",
        nameof(GenerationRequest.Format) => Format,
        nameof(GenerationRequest.ToolUse) => "tools",
        _ => FormationMapping.ParameterName(part),
    };

    static Dictionary<string, JsonElement>? TemplateVariables(ConversationFields body)
    {
        var variables = new Dictionary<string, JsonElement>(StringComparer.Ordinal);

        // Templates of models that can think read this name; others have nothing to set.
        if (body.OutputConfig?.Effort is { } effort)
            variables["reasoning_effort"] = JsonText.ToElement(effort);
        return variables.Count == 0 ? null : variables;
    }

    static void RefuseUnsupported(ConversationFields body)
    {
        if (body.OutputConfig is { } output)
        {
            ExtraInputs.None(output.Unknown, "output_config");
            OneOf("output_config.effort", output.Effort, "low", "medium", "high", "xhigh", "max");
        }

        if (body.CacheControl is { } cache)
            CheckCacheControl(cache);
        OneOf("speed", body.Speed, "standard", "fast");
        if (body.Speed == "fast")
            throw UnsupportedValue("speed", "there is one speed here; leave it out or send 'standard'.");
    }

    static OutputFormat ToFormat(JsonElement format)
    {
        if (format.ValueKind != JsonValueKind.Object)
            throw InvalidType(Format, "an object", format);
        ExtraInputs.None(format, Format, "type", "schema");
        OneOf($"{Format}.type", RequireString(format, "type", Format), "json_schema");
        JsonElement schema = Require(format, "schema", Format);
        return schema.ValueKind == JsonValueKind.Object
            ? SchemaFormat($"{Format}.schema", schema)
            : throw InvalidType($"{Format}.schema", "a JSON schema (an object)", schema);
    }

    static void CheckCacheControl(CacheControlFields cache)
    {
        ExtraInputs.None(cache.Unknown, "cache_control");
        OneOf("cache_control.type", cache.Type ?? throw Missing("cache_control.type"), "ephemeral");
        OneOf("cache_control.ttl", cache.Ttl, "5m", "1h");
    }
}
