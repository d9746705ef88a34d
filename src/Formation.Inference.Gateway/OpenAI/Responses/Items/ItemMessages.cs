using System.Text.Json;
using Formation.Inference.Gateway.Requests;
using static Formation.Inference.Gateway.Requests.ParameterChecks;

namespace Formation.Inference.Gateway.OpenAI.Responses.Items;

/// <summary>
/// Items as the chat template gets them: what the assistant thought, said and then called is one message, as it was one turn.
/// </summary>
internal sealed class ItemMessages
{
    readonly List<ChatMessage> _messages = [];
    readonly List<FunctionCallItem> _calls = [];
    readonly HashSet<string> _callIds = new(StringComparer.Ordinal);
    SensitiveText? _thought, _said;

    /// <summary>Takes the next item.</summary>
    /// <param name="item">The item.</param>
    /// <param name="param">Its place in the body.</param>
    internal void Add(ResponseItem item, string param)
    {
        switch (item)
        {
            case ReasoningItem { Content: var thought }:
                EndTurn();
                _thought = thought.Count == 0 ? (SensitiveText?)null : InputContent.Words(thought);
                break;
            case MessageItem { Role: "assistant" } message:
                if (_said is not null || _calls.Count > 0)
                    EndTurn();
                _said = InputContent.Words(message.Content);
                break;
            case MessageItem message:
                EndTurn();
                _messages.Add(new ChatMessage(message.Role, InputContent.Words(message.Content)));
                break;
            case FunctionCallItem call:
                _calls.Add(call);
                _callIds.Add(call.CallId);
                break;
            case FunctionCallOutputItem output:
                EndTurn();
                if (!_callIds.Contains(output.CallId))
                    throw InvalidValue($"{param}.call_id", $"no function call before it has the id '{Shorten(output.CallId)}'.");
                _messages.Add(new ChatMessage("tool", output.Output) { ToolCallId = output.CallId });
                break;
        }
    }

    /// <summary>All messages.</summary>
    internal IReadOnlyList<ChatMessage> End()
    {
        EndTurn();
        return _messages;
    }

    void EndTurn()
    {
        if (_said is not null || _calls.Count > 0)
            _messages.Add(new ChatMessage("assistant", _said) { ReasoningContent = _thought, ToolCalls = _calls.Count == 0 ? null : ToolCalls(_calls) });
        (_thought, _said) = (null, null);
        _calls.Clear();
    }

    static JsonElement ToolCalls(List<FunctionCallItem> calls) => JsonText.Build(json =>
    {
        json.WriteStartArray();
        foreach (FunctionCallItem call in calls)
        {
            json.WriteStartObject();
            json.WriteString("id", call.CallId);
            json.WriteString("type", "function");
            json.WriteStartObject("function");
            json.WriteString("name", call.Name);
            json.WriteString("arguments", call.Arguments);
            json.WriteEndObject();
            json.WriteEndObject();
        }

        json.WriteEndArray();
    });
}
