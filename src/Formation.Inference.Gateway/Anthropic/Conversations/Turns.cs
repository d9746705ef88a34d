using System.Text.Json;
using Formation.Inference.Gateway.Requests;
using static Formation.Inference.Gateway.Requests.ParameterChecks;

namespace Formation.Inference.Gateway.Anthropic.Conversations;

/// <summary>
/// The conversation as the chat template gets it, built up turn by turn: turns of one role that follow each other become one, as the service has it,
/// and each result of a tool becomes a message of its own.
/// </summary>
internal sealed class Turns
{
    internal const int MaxTurns = 2048;

    /// <summary>Messages of the template at most: a turn may have many results of tools.</summary>
    internal const int MaxMessages = 4096;

    readonly List<ChatMessage> _messages = [];
    readonly HashSet<string> _toolUseIds = new(StringComparer.Ordinal);

    /// <summary>The messages, and the beginning of the answer where the assistant has the last word.</summary>
    internal static (IReadOnlyList<ChatMessage> Messages, SensitiveText? Prefix) Of(ConversationFields body)
    {
        if (body.Messages is not { } given)
            throw Missing("messages");
        Count("messages", given.Count, 1, MaxTurns);
        var turns = new Turns();
        if (body.System is { } system)
            turns.Add("system", ContentText.Of(system, "system"));
        for (int i = 0; i < given.Count; i++)
            turns.Add(given[i], $"messages[{i}]");
        if (turns._messages.Count > MaxMessages)
            throw InvalidValue("messages", $"with each result of a tool counted they are {turns._messages.Count}, and the limit is {MaxMessages}.");
        return (turns._messages, turns.TakePrefix($"messages[{given.Count - 1}]"));
    }

    void Add(TurnFields? turn, string param)
    {
        if (turn is null)
            throw Fail(param, "invalid_type", $"Invalid type for '{param}': expected an object, but got null instead.");
        ExtraInputs.None(turn.Unknown, param);
        if (turn.Role is null)
            throw Missing($"{param}.role");
        OneOf($"{param}.role", turn.Role, "user", "assistant", "system");
        if (turn.Content is not { } content)
            throw Missing($"{param}.content");
        param += ".content";
        if (turn.Role == "system" || JsonWords.TryGetString(content) is not null)
            Add(turn.Role, ContentText.Of(content, param));
        else if (turn.Role == "user")
            AddUser(content, param);
        else
            AddAssistant(content, param);
    }

    void AddUser(JsonElement content, string param)
    {
        foreach (ContentBlock block in ContentBlock.Of(content, param, fewest: 1))
            if (block.Type == "text")
                Add("user", block.Text());
            else if (block.Type == "tool_result")
                _messages.Add(ToolBlocks.ToResult(block, _toolUseIds));
            else
                throw block.Unexpected("text", "tool_result");
    }

    void AddAssistant(JsonElement content, string param)
    {
        var texts = new List<string>();
        var thoughts = new List<string>();
        var calls = new List<ContentBlock>();
        foreach (ContentBlock block in ContentBlock.Of(content, param, fewest: 0))
            switch (block.Type)
            {
                case "text":
                    texts.Add(block.Text());
                    break;
                case "tool_use":
                    _toolUseIds.Add(ToolBlocks.Check(block));
                    calls.Add(block);
                    break;
                case "thinking":
                    block.CheckFields("thinking", "signature");
                    RequireString(block.Json, "signature", block.Param);
                    thoughts.Add(RequireString(block.Json, "thinking", block.Param));
                    break;
                case "redacted_thinking":
                    // Another server's: nobody here can read it.
                    break;
                default:
                    throw block.Unexpected("text", "tool_use", "thinking", "redacted_thinking");
            }

        Count(param, calls.Count, 0, ToolBlocks.MaxCallsOfTurn);
        if (calls.Count == 0)
            Add("assistant", ContentText.Join(texts));
        else
            _messages.Add(new ChatMessage("assistant", texts.Count == 0 ? (SensitiveText?)null : ContentText.Join(texts)) { ToolCalls = ToolBlocks.ToCalls(calls) });
        if (thoughts.Any(thought => thought.Length > 0))
            _messages[^1] = _messages[^1] with { ReasoningContent = ContentText.Join(thoughts) };
    }

    void Add(string role, string text)
    {
        if (_messages is [.., { ToolCalls: null, Content: { } before } last] && last.Role == role)
            _messages[^1] = last with { Content = ContentText.Join(new[] { before.Value, text }.Where(part => part.Length > 0)) };
        else
            _messages.Add(new ChatMessage(role, text));
    }

    SensitiveText? TakePrefix(string param)
    {
        if (_messages[^1] is not { Role: "assistant" } last)
            return null;
        if (last.ToolCalls is not null)
            throw InvalidValue(param, "the conversation ends with tool calls; send their results behind them.");
        if (_messages.Count == 1)
            throw InvalidValue("messages", "there is nothing to answer before the assistant's beginning; let the user speak first.");
        string prefix = last.Content!.Value.Value;
        if (prefix.Length > 0 && char.IsWhiteSpace(prefix[^1]))
            throw InvalidValue($"{param}.content", "the beginning of the assistant's answer may not end with white space; leave that out.");
        _messages.RemoveAt(_messages.Count - 1);
        return prefix.Length == 0 ? (SensitiveText?)null : prefix;
    }
}
