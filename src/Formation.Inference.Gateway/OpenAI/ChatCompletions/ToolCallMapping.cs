using System.Text.Json;
using Formation.Inference.Gateway.Requests;
using static Formation.Inference.Gateway.Requests.ParameterChecks;

namespace Formation.Inference.Gateway.OpenAI.ChatCompletions;

/// <summary>
/// Tool calls of earlier turns: checked for the shape that templates rely on, and given to the template as they are. The older
/// <c>function_call</c> becomes a tool call.
/// </summary>
internal static class ToolCallMapping
{
    internal const int MaxToolCalls = 128;

    internal static JsonElement? Of(MessageFields message, string param)
    {
        if (message.ToolCalls is { } calls)
        {
            if (message.FunctionCall is not null)
                throw InvalidValue($"{param}.function_call", "a message has 'tool_calls' or 'function_call', not both.");
            Check(calls, $"{param}.tool_calls");
            return calls;
        }

        return message.FunctionCall is { } call ? FromFunctionCall(call, $"{param}.function_call") : null;
    }

    static void Check(JsonElement calls, string param)
    {
        if (calls.ValueKind != JsonValueKind.Array)
            throw InvalidType(param, "an array of tool calls", calls);
        Count(param, calls.GetArrayLength(), 1, MaxToolCalls);
        int index = 0;
        foreach (JsonElement call in calls.EnumerateArray())
        {
            string here = $"{param}[{index++}]";
            if (call.ValueKind != JsonValueKind.Object)
                throw InvalidType(here, "an object", call);
            RequireString(call, "id", here);
            OneOf($"{here}.type", RequireString(call, "type", here), "function");
            JsonElement function = Require(call, "function", here);
            if (function.ValueKind != JsonValueKind.Object)
                throw InvalidType($"{here}.function", "an object", function);
            RequireString(function, "name", $"{here}.function");
            RequireString(function, "arguments", $"{here}.function");
        }
    }

    static JsonElement FromFunctionCall(FunctionCallFields call, string param)
    {
        NoneUnknown(call.Unknown, param);
        string name = call.Name ?? throw Missing($"{param}.name");
        string arguments = call.Arguments ?? throw Missing($"{param}.arguments");
        return JsonText.Build(json =>
        {
            json.WriteStartArray();
            json.WriteStartObject();
            json.WriteString("id", "call_0");
            json.WriteString("type", "function");
            json.WriteStartObject("function");
            json.WriteString("name", name);
            json.WriteString("arguments", arguments);
            json.WriteEndObject();
            json.WriteEndObject();
            json.WriteEndArray();
        });
    }
}
