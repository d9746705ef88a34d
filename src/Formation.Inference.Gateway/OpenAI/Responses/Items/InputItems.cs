using System.Text.Json;
using Formation.Inference.Gateway.Requests;
using static Formation.Inference.Gateway.Requests.ParameterChecks;

namespace Formation.Inference.Gateway.OpenAI.Responses.Items;

/// <summary>An item of a request's input.</summary>
/// <param name="Item">The item, or null where it is only named.</param>
/// <param name="Reference">The id of the item that is named instead.</param>
/// <param name="Param">Its place in the body.</param>
internal sealed record InputItem(ResponseItem? Item, string? Reference, string Param);

/// <summary>Step 3 for <c>input</c>: a text, or items, checked and given ids.</summary>
internal static class InputItems
{
    internal const int MaxItems = 2048;
    const int MaxIdLength = 128;

    internal static IReadOnlyList<InputItem> Read(JsonElement input, ItemIds ids)
    {
        if (JsonWords.TryGetString(input) is { } text)
            return [new InputItem(new MessageItem(ids.OfInput("msg", 0), ResponseItem.Completed, "user", [new InputTextPart(text)]), null, "input")];
        if (input.ValueKind != JsonValueKind.Array)
            throw InvalidType("input", "a string or an array of input items", input);
        Count("input", input.GetArrayLength(), 1, MaxItems);
        return [.. input.EnumerateArray().Select((item, index) => Read(item, index, ids, $"input[{index}]"))];
    }

    static InputItem Read(JsonElement item, int index, ItemIds ids, string param)
    {
        if (item.ValueKind != JsonValueKind.Object)
            throw InvalidType(param, "an object", item);
        string? type = OptionalString(item, "type", param);
        // The API lets messages and references leave their type out.
        if (type is null)
            type = item.TryGetProperty("role", out _) ? "message" : item.TryGetProperty("id", out _) ? "item_reference" : throw Missing($"{param}.role");
        return type switch
        {
            "message" => New(Message(item, Id(item, "msg", index, ids, param), param)),
            "function_call" => New(new FunctionCallItem(
                Id(item, "fc", index, ids, param), Status(item, param), CallId(item, param), RequireName(item, param), RequireString(item, "arguments", param))),
            "function_call_output" => New(new FunctionCallOutputItem(
                Id(item, "fco", index, ids, param), Status(item, param), CallId(item, param), Output(item, param))),
            "reasoning" => New(new ReasoningItem(Id(item, "rs", index, ids, param), []) { Content = Thought(item, param) }),
            "item_reference" => new InputItem(null, Text($"{param}.id", RequireString(item, "id", param), MaxIdLength), param),
            _ => throw UnsupportedValue(
                $"{param}.type",
                $"there are no items of type '{Shorten(type)}' here; send 'message', 'function_call', 'function_call_output', 'reasoning' or 'item_reference'."),
        };

        InputItem New(ResponseItem made) => new(made, null, param);
    }

    static MessageItem Message(JsonElement item, string id, string param)
    {
        string role = RequireString(item, "role", param);
        OneOf($"{param}.role", role, "user", "assistant", "system", "developer");
        return new MessageItem(id, Status(item, param), role, InputContent.Parts(Require(item, "content", param), role == "assistant", $"{param}.content"));
    }

    static string Output(JsonElement item, string param)
    {
        JsonElement output = Require(item, "output", param);
        return InputContent.Words(InputContent.Parts(output, isAssistant: false, $"{param}.output"));
    }

    static IReadOnlyList<ContentPart> Thought(JsonElement item, string param) =>
        IsGiven(item, "content", out JsonElement content) ? InputContent.ThoughtParts(content, $"{param}.content") : [];

    static string CallId(JsonElement item, string param)
    {
        string id = Text($"{param}.call_id", RequireString(item, "call_id", param), MaxIdLength)!;
        return id.Length > 0 ? id : throw InvalidValue($"{param}.call_id", "it is empty.");
    }

    static string Status(JsonElement item, string param) => OneOf(
        $"{param}.status", OptionalString(item, "status", param), ResponseItem.InProgress, ResponseItem.Completed, ResponseItem.Incomplete) ?? ResponseItem.Completed;

    /// <summary>The item's own id where it came out of a response, else one of this response's.</summary>
    static string Id(JsonElement item, string prefix, int index, ItemIds ids, string param) =>
        Text($"{param}.id", OptionalString(item, "id", param), MaxIdLength) is { Length: > 0 } given ? given : ids.OfInput(prefix, index);

    static string? OptionalString(JsonElement item, string name, string param) =>
        !item.TryGetProperty(name, out JsonElement value) || value.ValueKind == JsonValueKind.Null ? null
        : JsonWords.TryGetString(value) ?? throw InvalidType($"{param}.{name}", "a string", value);
}
