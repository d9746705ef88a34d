using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;

namespace Formation.Inference.Engine.Tools;

/// <summary>
/// Tells a model in words of tools that its template does not show: a system turn describes them and says how to call them
/// (<see cref="ToolCallSyntax.Default"/>), earlier calls and their results are turns of text.
/// </summary>
internal static class ToolWords
{
    private static readonly JsonSerializerOptions Plain = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    /// <summary>Whether a conversation has anything that a template may not know: tools, or calls and results of earlier turns.</summary>
    public static bool AreNeededFor(ChatPrompt chat) => chat.Tools is { ValueKind: JsonValueKind.Array }
        || chat.Messages.Any(message => message is { ToolCalls.ValueKind: JsonValueKind.Array } or { Role: "tool" });

    /// <summary>The same conversation for a template that knows no tools.</summary>
    public static ChatPrompt Rewrite(ChatPrompt chat)
    {
        var messages = chat.Messages.Select(Rewrite).ToList();
        if (chat.Tools is not { ValueKind: JsonValueKind.Array } tools)
            return chat with { Messages = messages };
        var words = Describe(tools);
        if (messages[0] is { Role: "system" or "developer", Content: { } system } first)
            messages[0] = first with { Content = $"{system.Value}\n\n{words}" };
        else
            messages.Insert(0, new ChatMessage("system", words));
        return chat with { Messages = messages, Tools = null };
    }

    private static ChatMessage Rewrite(ChatMessage message) => message switch
    {
        { Role: "assistant", ToolCalls: { ValueKind: JsonValueKind.Array } calls } =>
            message with { Content = message.Content?.Value + Write(calls), ToolCalls = null },
        { Role: "tool" } => new ChatMessage("user", $"<tool_response>\n{message.Content?.Value}\n</tool_response>"),
        _ => message,
    };

    private static string Describe(JsonElement tools)
    {
        var words = new StringBuilder("You may call tools to help you answer. They are:\n<tools>\n");
        foreach (var tool in tools.EnumerateArray())
            words.Append(JsonSerializer.Serialize(tool, Plain)).Append('\n');
        return words.Append("</tools>\nTo call one, write its name and arguments, and nothing behind them:\n")
            .Append(Call("NAME", "ARGUMENTS_AS_A_JSON_OBJECT", ToolCallSyntax.Default.Opening)).ToString();
    }

    private static string Write(JsonElement calls)
    {
        var (text, before) = (new StringBuilder(), ToolCallSyntax.Default.Opening);
        foreach (var call in calls.EnumerateArray())
            if (call.TryGetProperty("function", out var function))
            {
                text.Append(Call(Text(function, "name"), Text(function, "arguments"), before));
                before = ToolCallSyntax.Default.Separator!;
            }
        return text.ToString();
    }

    private static string Text(JsonElement function, string property) => !function.TryGetProperty(property, out var value) ? ""
        : value.ValueKind == JsonValueKind.String ? value.GetString()! : JsonSerializer.Serialize(value, Plain);

    private static string Call(string name, string arguments, string before) =>
        before + name + ToolCallSyntax.Default.Between + arguments + ToolCallSyntax.Default.After;
}
