using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace Formation.Inference.Cli.Inference;

/// <summary>Collects the chunks of one streamed answer.</summary>
sealed class StreamedAnswer
{
    private readonly StringBuilder _text = new();

    /// <summary>The text so far.</summary>
    public string Text => _text.ToString();

    public string? FinishReason { get; private set; }

    public int? PromptTokens { get; private set; }

    public int? CompletionTokens { get; private set; }

    /// <summary>Takes a chunk of <c>/v1/chat/completions</c> or <c>/v1/completions</c> and gives the text that it adds.</summary>
    public string Add(JsonObject chunk)
    {
        if (chunk["usage"] is JsonObject usage)
        {
            PromptTokens = usage["prompt_tokens"]?.GetValue<int>();
            CompletionTokens = usage["completion_tokens"]?.GetValue<int>();
        }
        if (chunk["choices"] is not JsonArray { Count: > 0 } choices || choices[0] is not JsonObject choice)
            return "";
        if (choice["finish_reason"] is { } reason)
            FinishReason = reason.GetValue<string>();
        var text = (choice["delta"]?["content"] ?? choice["text"])?.GetValue<string>() ?? "";
        _text.Append(text);
        return text;
    }

    /// <summary>The document that <c>--json</c> shows.</summary>
    public string ToJson(string model)
    {
        using var buffer = new MemoryStream();
        using (var writer = new Utf8JsonWriter(buffer))
        {
            writer.WriteStartObject();
            writer.WriteString("model", model);
            writer.WriteString("text", Text);
            writer.WriteString("finishReason", FinishReason);
            if (PromptTokens is { } prompt)
                writer.WriteNumber("promptTokens", prompt);
            if (CompletionTokens is { } completion)
                writer.WriteNumber("completionTokens", completion);
            writer.WriteEndObject();
        }
        return Encoding.UTF8.GetString(buffer.ToArray());
    }
}
