using System.Text.Json;
using Formation.Inference.Gateway.Requests;
using static Formation.Inference.Gateway.Requests.ParameterChecks;

namespace Formation.Inference.Gateway.OpenAI.ChatCompletions;

/// <summary>Messages as the chat template gets them.</summary>
internal static class MessageMapping
{
    /// <summary>OpenAI's limit.</summary>
    internal const int MaxMessages = 2048;
    const int MaxNameLength = 512;

    internal static IReadOnlyList<ChatMessage> ToMessages(List<MessageFields?>? messages, IgnoredFields ignored)
    {
        if (messages is null)
            throw Missing("messages");
        Count("messages", messages.Count, 1, MaxMessages);
        var mapped = new ChatMessage[messages.Count];
        for (int i = 0; i < mapped.Length; i++)
        {
            string param = $"messages[{i}]";
            if (messages[i] is not { } message)
                throw Fail(param, "invalid_type", $"Invalid type for '{param}': expected an object, but got null instead.");
            mapped[i] = ToMessage(message, param, ignored);
        }

        return mapped;
    }

    static ChatMessage ToMessage(MessageFields message, string param, IgnoredFields ignored)
    {
        ignored.Add(message.Unknown, param);
        if (message.Role is null)
            throw Missing($"{param}.role");
        OneOf($"{param}.role", message.Role, "system", "developer", "user", "assistant", "tool", "function");
        Text($"{param}.name", message.Name, MaxNameLength);
        CheckRole(message, param);
        JsonElement? toolCalls = message.Role == "assistant" ? ToolCallMapping.Of(message, param) : null;
        return new ChatMessage(message.Role == "function" ? "tool" : message.Role, Content(message, toolCalls is not null, param, ignored))
        {
            Name = message.Name,
            ReasoningContent = message.ReasoningContent is { Length: > 0 } thought ? thought : (SensitiveText?)null,
            ToolCalls = toolCalls,
            ToolCallId = message.ToolCallId,
        };
    }

    /// <summary>Refuses fields that stand in a message of the wrong role.</summary>
    static void CheckRole(MessageFields message, string param)
    {
        bool assistant = message.Role == "assistant";
        OnlyFor("tool_calls", message.ToolCalls is not null, assistant);
        OnlyFor("function_call", message.FunctionCall is not null, assistant);
        OnlyFor("refusal", message.Refusal is not null, assistant);
        OnlyFor("audio", message.Audio is not null, assistant);
        OnlyFor("reasoning_content", message.ReasoningContent is not null, assistant);
        OnlyFor("tool_call_id", message.ToolCallId is not null, message.Role == "tool");
        if (message.Audio is not null)
            throw Unsupported($"{param}.audio", "The models here read text only.");
        if (message.Role == "tool" && string.IsNullOrEmpty(message.ToolCallId))
            throw Missing($"{param}.tool_call_id");
        if (message.Role == "function" && string.IsNullOrEmpty(message.Name))
            throw Missing($"{param}.name");

        void OnlyFor(string field, bool given, bool allowed)
        {
            if (given && !allowed)
                throw Unsupported($"{param}.{field}", $"A message of the role '{message.Role}' has no such field.");
        }
    }

    static SensitiveText? Content(MessageFields message, bool hasToolCalls, string param, IgnoredFields ignored)
    {
        bool assistant = message.Role == "assistant";
        if (message.Content is { } content)
            return ContentParts.ToText(content, allowRefusal: assistant, $"{param}.content", ignored);
        if (assistant && message.Refusal is { } refusal)
            return refusal;
        return assistant && hasToolCalls ? null : throw Missing($"{param}.content");
    }
}
