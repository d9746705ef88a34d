using System.Text.Json.Nodes;

namespace Formation.Inference.Cli.Bench.Http;

/// <summary>When the pieces of one streamed answer came, and how many tokens they were in all.</summary>
/// <param name="time">The clock.</param>
sealed class StreamTimeline(TimeProvider time)
{
    private readonly List<long> _pieces = [];

    /// <summary>Time stamps of the pieces of text, in order.</summary>
    public IReadOnlyList<long> Pieces => _pieces;

    /// <summary>Tokens of the prompt, as the server counted them.</summary>
    public int PromptTokens { get; private set; }

    /// <summary>How many of these were in the prefix cache.</summary>
    public int CachedTokens { get; private set; }

    /// <summary>Tokens generated, as the server counted them.</summary>
    public int CompletionTokens { get; private set; }

    /// <summary>Takes an event of a stream that was asked for its usage.</summary>
    public void Add(JsonObject chunk)
    {
        if (chunk["usage"] is JsonObject usage)
        {
            PromptTokens = Number(usage["prompt_tokens"]);
            CompletionTokens = Number(usage["completion_tokens"]);
            CachedTokens = Number((usage["prompt_tokens_details"] as JsonObject)?["cached_tokens"]);
        }
        if (chunk["choices"] is JsonArray { Count: > 0 } choices && choices[0]?["delta"]?["content"] is JsonValue content
            && content.TryGetValue(out string? text) && text.Length > 0)
            _pieces.Add(time.GetTimestamp());
    }

    /// <summary>
    /// Tokens per second of streams that generate together, over the time in which all of them do: from the last one's first piece to the
    /// first one's last piece.
    /// </summary>
    /// <exception cref="CommandException">There was no such time.</exception>
    /// <remarks>A server may put the tokens of several steps into one piece, so a stream's tokens are divided evenly among its pieces.</remarks>
    public static double TokensPerSecond(IReadOnlyList<StreamTimeline> streams, TimeProvider time)
    {
        if (streams.Any(stream => stream.Pieces.Count < 2))
            throw Unmeasurable("a stream came in fewer than two pieces");
        var (start, end) = Together(streams);
        if (end <= start)
            throw Unmeasurable("the streams did not run at the same time");
        var tokens = streams.Sum(stream =>
            stream.CompletionTokens * (double)stream.Pieces.Count(piece => piece > start && piece <= end) / stream.Pieces.Count);
        return tokens / time.GetElapsedTime(start, end).TotalSeconds;
    }

    /// <summary>Whether there was a time in which all streams generated.</summary>
    public static bool Overlap(IReadOnlyList<StreamTimeline> streams)
    {
        if (streams.Any(stream => stream.Pieces.Count < 2))
            return false;
        var (start, end) = Together(streams);
        return start < end;
    }

    private static (long Start, long End) Together(IReadOnlyList<StreamTimeline> streams) =>
        (streams.Max(stream => stream.Pieces[0]), streams.Min(stream => stream.Pieces[^1]));

    private static int Number(JsonNode? node) => node is JsonValue value && value.TryGetValue(out int number) ? number : 0;

    private static CommandException Unmeasurable(string why) =>
        new(ExitCode.Failed, $"The speed over HTTP can't be told: {why}; generate more tokens with --generate.");
}
