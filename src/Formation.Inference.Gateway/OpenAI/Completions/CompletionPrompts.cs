using System.Text.Json;
using Formation.Inference.Gateway.Requests;
using static Formation.Inference.Gateway.Requests.ParameterChecks;

namespace Formation.Inference.Gateway.OpenAI.Completions;

/// <summary>The four forms of <c>prompt</c>, and of an embedding's <c>input</c>: a text, several texts, one list of token ids, several such lists.</summary>
internal static class CompletionPrompts
{
    internal const int MaxPrompts = 128;
    const string Forms = "a string, an array of strings, an array of token ids, or an array of arrays of token ids";

    internal static IReadOnlyList<Prompt> Of(JsonElement? prompt, string param = "prompt", int maxPrompts = MaxPrompts)
    {
        if (prompt is not { } value)
            throw Missing(param);
        if (JsonWords.TryGetString(value) is { } text)
            return [new TextPrompt(text)];
        if (value.ValueKind != JsonValueKind.Array)
            throw InvalidType(param, Forms, value);
        Count(param, value.GetArrayLength(), 1, int.MaxValue);
        JsonValueKind kind = value[0].ValueKind;
        if (kind == JsonValueKind.Number)
            return [new TokenPrompt(TokenIds(value, param))];
        Count(param, value.GetArrayLength(), 1, maxPrompts);
        return kind switch
        {
            JsonValueKind.String => [.. value.EnumerateArray().Select((item, index) => OneText(item, $"{param}[{index}]"))],
            JsonValueKind.Array => [.. value.EnumerateArray().Select((item, index) => OneTokenList(item, $"{param}[{index}]"))],
            _ => throw InvalidType(param, Forms, value),
        };
    }

    static TextPrompt OneText(JsonElement item, string param) =>
        new(JsonWords.TryGetString(item) ?? throw InvalidType(param, "a string, as the first one is", item));

    static TokenPrompt OneTokenList(JsonElement item, string param)
    {
        if (item.ValueKind != JsonValueKind.Array)
            throw InvalidType(param, "an array of token ids, as the first one is", item);
        Count(param, item.GetArrayLength(), 1, int.MaxValue);
        return new TokenPrompt(TokenIds(item, param));
    }

    static int[] TokenIds(JsonElement array, string param)
    {
        var ids = new int[array.GetArrayLength()];
        int index = 0;
        foreach (JsonElement item in array.EnumerateArray())
        {
            if (item.ValueKind != JsonValueKind.Number || !item.TryGetInt64(out long id))
                throw InvalidType($"{param}[{index}]", "a token id", item);
            if (id is < 0 or > int.MaxValue)
                throw InvalidValue($"{param}[{index}]", $"{id} is not a token id.");
            ids[index++] = (int)id;
        }

        return ids;
    }
}
