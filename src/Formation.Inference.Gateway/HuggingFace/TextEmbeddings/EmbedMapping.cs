using System.Text.Json;
using Formation.Inference.Gateway.Requests;
using static Formation.Inference.Gateway.Requests.ParameterChecks;

namespace Formation.Inference.Gateway.HuggingFace.TextEmbeddings;

/// <summary>Step 3 of the request path for Text Embeddings Inference: every parameter honoured, or refused by name.</summary>
internal static class EmbedMapping
{
    internal const string InputsName = "inputs";

    /// <summary>How a request's texts are cut.</summary>
    internal static InputTruncation Truncation(ReadingFields? fields)
    {
        if (fields is null)
            return InputTruncation.None;
        if (fields.PromptName is not null)
            throw Unsupported("prompt_name", "The models here have no prompts by name; put the prompt before the text, and leave this out.");
        string? direction = OneOf("truncation_direction", fields.TruncationDirection, "right", "Right", "left", "Left");
        return fields.Truncate != true ? InputTruncation.None : direction is "left" or "Left" ? InputTruncation.Beginning : InputTruncation.End;
    }

    /// <summary>A text, token ids, or an array of these.</summary>
    internal static IReadOnlyList<Prompt> Inputs(JsonElement? given)
    {
        JsonElement inputs = given ?? throw Missing(InputsName);
        if (inputs.ValueKind == JsonValueKind.String)
            return [Text(InputsName, inputs)];
        if (inputs.ValueKind != JsonValueKind.Array)
            throw InvalidType(InputsName, "a string, token ids, or an array of these", inputs);
        Count(InputsName, inputs.GetArrayLength(), 1, int.MaxValue);
        if (inputs[0].ValueKind == JsonValueKind.Number)
            return [TokenIds(InputsName, inputs)];
        Count(InputsName, inputs.GetArrayLength(), 1, EmbeddingRequest.MaxInputs);
        return [.. inputs.EnumerateArray().Select<JsonElement, Prompt>((input, i) =>
            input.ValueKind == JsonValueKind.Array ? TokenIds($"{InputsName}[{i}]", input) : Text($"{InputsName}[{i}]", input))];
    }

    /// <summary>Texts under names of their own.</summary>
    internal static IReadOnlyList<Prompt> Texts(string param, List<string?>? texts)
    {
        if (texts is null)
            throw Missing(param);

        // One more is compared with them.
        Count(param, texts.Count, 1, EmbeddingRequest.MaxInputs - 1);
        return [.. texts.Select((text, i) => Text($"{param}[{i}]", text))];
    }

    /// <summary>One text under a name of its own.</summary>
    internal static TextPrompt Text(string param, string? text) => text switch
    {
        null => throw Missing(param),
        "" => throw InvalidValue(param, "it is empty; send a text."),
        _ => new TextPrompt(text),
    };

    /// <summary>Token ids as they are.</summary>
    internal static TokenPrompt TokenIds(string param, JsonElement ids)
    {
        Count(param, ids.GetArrayLength(), 1, EmbeddingRequest.MaxTokens);
        return new TokenPrompt([.. ids.EnumerateArray().Select((id, i) => id.ValueKind == JsonValueKind.Number && id.TryGetInt32(out int value) && value >= 0
            ? value
            : throw InvalidType($"{param}[{i}]", "a token id (a whole number from 0 on)", id))]);
    }

    /// <summary>The service's name of a part of the request that the engine finds fault with, or null where it has none.</summary>
    internal static string? ParameterName(string part) => part switch
    {
        nameof(EmbeddingRequest.Inputs) or nameof(GenerationRequest.Prompt) => InputsName,
        nameof(EmbeddingRequest.Dimensions) => "dimensions",
        _ => null,
    };

    static TextPrompt Text(string param, JsonElement input) =>
        Text(param, JsonWords.TryGetString(input) ?? throw InvalidType(param, "a string or token ids", input));
}
