using System.Text.Json;
using Formation.Inference.Gateway.Requests;
using static Formation.Inference.Gateway.Requests.ParameterChecks;

namespace Formation.Inference.Gateway.OpenAI.Responses.Items;

/// <summary>What a message, or a function's output, says: a string, or an array of text parts.</summary>
internal static class InputContent
{
    const int MaxParts = 2048;

    /// <summary>A message's content as parts.</summary>
    internal static IReadOnlyList<ContentPart> Parts(JsonElement content, bool isAssistant, string param)
    {
        if (JsonWords.TryGetString(content) is { } text)
            return [isAssistant ? new OutputTextPart(text, [], []) : new InputTextPart(text)];
        if (content.ValueKind != JsonValueKind.Array)
            throw InvalidType(param, "a string or an array of content parts", content);
        Count(param, content.GetArrayLength(), 1, MaxParts);
        return [.. content.EnumerateArray().Select((part, index) => Part(part, isAssistant, $"{param}[{index}]"))];
    }

    /// <summary>A thought's content as parts.</summary>
    internal static IReadOnlyList<ContentPart> ThoughtParts(JsonElement content, string param)
    {
        if (content.ValueKind != JsonValueKind.Array)
            throw InvalidType(param, "an array of content parts", content);
        Count(param, content.GetArrayLength(), 0, MaxParts);
        return [.. content.EnumerateArray().Select((part, index) => ThoughtPart(part, $"{param}[{index}]"))];
    }

    static ReasoningTextPart ThoughtPart(JsonElement part, string param)
    {
        if (part.ValueKind != JsonValueKind.Object)
            throw InvalidType(param, "an object", part);
        OneOf($"{param}.type", RequireString(part, "type", param), "reasoning_text");
        return new ReasoningTextPart(RequireString(part, "text", param));
    }

    /// <summary>All that parts say, with line breaks between them.</summary>
    internal static string Words(IEnumerable<ContentPart> parts) => string.Join('\n', parts.Select(part => part.Words));

    static ContentPart Part(JsonElement part, bool isAssistant, string param)
    {
        if (part.ValueKind != JsonValueKind.Object)
            throw InvalidType(param, "an object", part);
        string type = RequireString(part, "type", param);
        return (type, isAssistant) switch
        {
            ("input_text", false) => new InputTextPart(RequireString(part, "text", param)),
            ("output_text", true) => new OutputTextPart(RequireString(part, "text", param), [], []),
            ("refusal", true) => new RefusalPart(RequireString(part, "refusal", param)),
            ("input_image" or "input_file" or "input_audio", _) => throw Fail(
                $"{param}.type", "unsupported_value", $"Unsupported content part at '{param}': '{type}'. The models here read text only."),
            _ => throw InvalidValue(
                $"{param}.type", $"'{Shorten(type)}'. Supported values are: {(isAssistant ? "'output_text', 'refusal'" : "'input_text'")}."),
        };
    }
}
