using System.Text.Json;
using System.Text.Unicode;
using Formation.Inference.Gateway.Batches;
using Formation.Inference.Gateway.Requests;

namespace Formation.Inference.Gateway.OpenAI.Batches;

/// <summary>Reads the lines of a batch's file: a request a line (JSONL).</summary>
internal static class BatchLines
{
    const int MaxCustomIdLength = 512;

    /// <summary>A line as a request, or what is wrong with it; both null where the line is blank.</summary>
    internal static (BatchLine? Line, BatchError? Error) Parse(RawLine raw, string endpoint)
    {
        if (raw.Bytes is not { } bytes)
            return (null, new BatchError("line_too_long", raw.Number, "The line is longer than a request's body may be.", null));
        if (bytes.AsSpan().Trim(" \t\r"u8).IsEmpty)
            return (null, null);
        JsonElement line;
        try
        {
            if (!Utf8.IsValid(bytes))
                throw new JsonException();
            line = JsonElement.Parse(bytes, new JsonDocumentOptions { MaxDepth = JsonBody.MaxDepth + 1, AllowDuplicateProperties = false });
        }
        catch (JsonException)
        {
            return (null, new BatchError("invalid_json_line", raw.Number, "This line is not parseable as valid JSON.", null));
        }

        if (line.ValueKind != JsonValueKind.Object)
            return Wrong("invalid_json_line", "The line is no JSON object.", null);
        if (StringOf(line, "custom_id") is not { Length: > 0 and <= MaxCustomIdLength } id)
            return Wrong("missing_required_parameter", $"The line needs a 'custom_id', a string of 1 to {MaxCustomIdLength} characters.", "custom_id");
        if (StringOf(line, "method") != "POST")
            return Wrong("invalid_method", "The line's 'method' must be 'POST'.", "method");
        if (StringOf(line, "url") != endpoint)
            return Wrong("mismatched_endpoint", $"The line's 'url' must be the batch's endpoint, '{endpoint}'.", "url");
        if (!line.TryGetProperty("body", out JsonElement body) || body.ValueKind != JsonValueKind.Object)
            return Wrong("missing_required_parameter", "The line needs a 'body', a JSON object.", "body");
        if (body.TryGetProperty("stream", out JsonElement stream) && stream.ValueKind == JsonValueKind.True)
            return Wrong("invalid_value", "A batch gives whole answers; leave 'stream' out.", "body.stream");
        if (body.TryGetProperty("background", out JsonElement background) && background.ValueKind == JsonValueKind.True)
            return Wrong("invalid_value", "A batch runs in the background as it is; leave 'background' out.", "body.background");
        return (new BatchLine(raw.Number, id, JsonSerializer.SerializeToUtf8Bytes(body, OpenAIJsonContext.Answers.JsonElement)), null);

        (BatchLine?, BatchError?) Wrong(string code, string message, string? param) => (null, new BatchError(code, raw.Number, message, param));
    }

    static string? StringOf(JsonElement line, string name) => line.TryGetProperty(name, out JsonElement value) ? JsonWords.TryGetString(value) : null;
}
