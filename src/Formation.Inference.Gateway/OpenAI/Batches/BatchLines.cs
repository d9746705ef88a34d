using System.Runtime.CompilerServices;
using System.Text.Json;
using System.Text.Unicode;
using Formation.Inference.Gateway.Requests;

namespace Formation.Inference.Gateway.OpenAI.Batches;

/// <summary>A line of a batch's file.</summary>
/// <param name="Number">Which, from 1; empty lines count and are not given.</param>
/// <param name="Bytes">What it holds, or null where that is too long.</param>
internal readonly record struct RawLine(int Number, byte[]? Bytes);

/// <summary>A request of a batch.</summary>
/// <param name="Number">Its line.</param>
/// <param name="CustomId">What its author calls it.</param>
/// <param name="Body">The body of the request.</param>
internal sealed record BatchLine(int Number, string CustomId, byte[] Body);

/// <summary>Reads a batch's file: a request a line (JSONL), one line in memory at a time.</summary>
internal static class BatchLines
{
    const int MaxCustomIdLength = 512;

    internal static async IAsyncEnumerable<RawLine> SplitAsync(
        IAsyncEnumerable<byte[]> parts, int maxLength, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        using var line = new MemoryStream();
        (int number, bool isTooLong) = (1, false);
        await foreach (byte[] part in parts.WithCancellation(cancellationToken))
        {
            for (int begin = 0; begin < part.Length;)
            {
                int length = Array.IndexOf(part, (byte)'\n', begin) is >= 0 and var found ? found - begin : part.Length - begin;
                isTooLong |= line.Length + length > maxLength;
                if (!isTooLong)
                    line.Write(part, begin, length);
                begin += length;
                if (begin == part.Length)
                    break;
                begin++;
                if (isTooLong || line.Length > 0)
                    yield return new RawLine(number, isTooLong ? null : line.ToArray());
                line.SetLength(0);
                (number, isTooLong) = (number + 1, false);
            }
        }

        if (isTooLong || line.Length > 0)
            yield return new RawLine(number, isTooLong ? null : line.ToArray());
    }

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
        return (new BatchLine(raw.Number, id, JsonSerializer.SerializeToUtf8Bytes(body, OpenAIJsonContext.Answers.JsonElement)), null);

        (BatchLine?, BatchError?) Wrong(string code, string message, string? param) => (null, new BatchError(code, raw.Number, message, param));
    }

    static string? StringOf(JsonElement line, string name) => line.TryGetProperty(name, out JsonElement value) ? JsonWords.TryGetString(value) : null;
}
