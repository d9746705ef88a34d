using System.Text.Json;
using Formation.Inference.Gateway.Requests;
using static Formation.Inference.Gateway.Requests.ParameterChecks;

namespace Formation.Inference.Gateway.Anthropic.Conversations;

/// <summary>Step 3 for what messages and the count of their tokens share: the prompt.</summary>
internal static class ConversationMapping
{
    const string Later = "This server does not have it yet.";

    internal static ChatPrompt ToPrompt(ConversationFields body)
    {
        RefuseUnsupported(body);
        (IReadOnlyList<ChatMessage> messages, SensitiveText? prefix) = Turns.Of(body);
        return new ChatPrompt(messages) { AssistantPrefix = prefix, TemplateVariables = TemplateVariables(body) };
    }

    /// <summary>Anthropic's name for a part of a <see cref="GenerationRequest"/> that the engine found fault with.</summary>
    internal static string? ParameterName(string part) => part switch
    {
        nameof(GenerationRequest.Prompt) => "messages",
        nameof(GenerationRequest.ModelId) => "model",
        nameof(StopConditions.MaxTokens) or "Stop.MaxTokens" => "max_tokens",
        nameof(StopConditions.Strings) or "Stop.Strings" => "stop_sequences",
        _ => null,
    };

    static Dictionary<string, JsonElement>? TemplateVariables(ConversationFields body)
    {
        var variables = new Dictionary<string, JsonElement>(StringComparer.Ordinal);

        // Templates of models that can think read these names; others have nothing to set.
        if (body.Thinking is not null)
            variables["enable_thinking"] = JsonText.Build(json => json.WriteBooleanValue(false));
        if (body.OutputConfig?.Effort is { } effort)
            variables["reasoning_effort"] = JsonText.ToElement(effort);
        return variables.Count == 0 ? null : variables;
    }

    static void RefuseUnsupported(ConversationFields body)
    {
        if (body.Tools is not null)
            throw Unsupported("tools", Later);
        if (body.ToolChoice is { } choice)
            CheckToolChoice(choice);
        if (body.Thinking is { } thinking)
            CheckThinking(thinking);
        if (body.OutputConfig is { } output)
        {
            ExtraInputs.None(output.Unknown, "output_config");
            OneOf("output_config.effort", output.Effort, "low", "medium", "high", "xhigh", "max");
            if (output.Format is not null)
                throw Unsupported("output_config.format", Later);
        }

        if (body.CacheControl is { } cache)
            CheckCacheControl(cache);
        OneOf("speed", body.Speed, "standard", "fast");
        if (body.Speed == "fast")
            throw UnsupportedValue("speed", "there is one speed here; leave it out or send 'standard'.");
    }

    static void CheckToolChoice(JsonElement choice)
    {
        if (choice.ValueKind != JsonValueKind.Object)
            throw InvalidType("tool_choice", "an object", choice);
        string name = RequireString(choice, "type", "tool_choice");
        OneOf("tool_choice.type", name, "auto", "any", "tool", "none");
        if (name != "none")
            throw UnsupportedValue("tool_choice.type", "it needs 'tools', which this server does not have yet; leave it out or send 'none'.");
        ExtraInputs.None(choice, "tool_choice", "type");
    }

    static void CheckThinking(ThinkingFields thinking)
    {
        OneOf("thinking.type", thinking.Type ?? throw Missing("thinking.type"), "disabled", "enabled", "adaptive", "between_tools");
        if (thinking.Type != "disabled")
            throw UnsupportedValue(
                "thinking.type", $"thoughts can't be told from answers here yet, so there is no '{thinking.Type}'; leave it out or send 'disabled'.");
        ExtraInputs.None(thinking.Unknown, "thinking");
    }

    static void CheckCacheControl(CacheControlFields cache)
    {
        ExtraInputs.None(cache.Unknown, "cache_control");
        OneOf("cache_control.type", cache.Type ?? throw Missing("cache_control.type"), "ephemeral");
        OneOf("cache_control.ttl", cache.Ttl, "5m", "1h");
    }
}
