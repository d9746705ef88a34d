using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace Formation.Inference.EndToEnd.Tests;

/// <summary>A streamed answer over any of the APIs that generate, put together as a client would.</summary>
/// <param name="Thought">What the model thought before.</param>
/// <param name="Text">What the model said.</param>
/// <param name="Calls">The tools that it called: name and arguments as they came.</param>
/// <param name="Reason">Why it ended, in the API's words.</param>
/// <param name="Usage">What it counted.</param>
sealed record AskedAnswer(string Thought, string Text, string Calls, string Reason, AskedUsage Usage)
{
    // Between two calls: no JSON has it.
    private const string Between = "\u001e";

    /// <summary>Asks, and reads the answer to its end.</summary>
    /// <param name="client">The client.</param>
    /// <param name="path">Which API.</param>
    /// <param name="request">The request, which wants a stream.</param>
    /// <param name="begun">Called with each piece of the answer, and whether that is of a thought.</param>
    /// <param name="cancellationToken">Ends it.</param>
    public static async Task<AskedAnswer> AskAsync(HttpClient client, string path, JsonObject request, Action<bool>? begun, CancellationToken cancellationToken)
    {
        using var message = new HttpRequestMessage(HttpMethod.Post, path)
        {
            Content = new StringContent(request.ToJsonString(), Encoding.UTF8, "application/json"),
        };
        if (path == "/v1/messages")
            message.Headers.Add("anthropic-version", "2023-06-01");
        using var response = await client.SendAsync(message, HttpCompletionOption.ResponseHeadersRead, cancellationToken);
        if (!response.IsSuccessStatusCode)
            throw new HttpRequestException($"{(int)response.StatusCode}: {await response.Content.ReadAsStringAsync(cancellationToken)}");
        var (thought, text, calls, reason, usage, isEnded) = (new StringBuilder(), new StringBuilder(), new StringBuilder(), "", default(AskedUsage), false);
        using var reader = new StreamReader(await response.Content.ReadAsStreamAsync(cancellationToken));
        while (await reader.ReadLineAsync(cancellationToken) is { } line)
        {
            if (!line.StartsWith("data: ", StringComparison.Ordinal))
                continue;
            if (line == "data: [DONE]")
            {
                isEnded = true;
                continue;
            }

            var item = JsonNode.Parse(line["data: ".Length..])!;
            if (item["error"] is { } error)
                throw new HttpRequestException($"the stream ended with an error: {error.ToJsonString()}");
            var piece = path switch
            {
                "/v1/chat/completions" => OfChat(item),
                "/v1/completions" => OfCompletion(item),
                "/v1/messages" => OfMessage(item),
                "/v1/responses" => OfResponse(item),
                _ => OfGeneration(item),
            };
            thought.Append(piece.Thought);
            text.Append(piece.Text);
            if (piece.Name is { } name)
                calls.Append(calls.Length == 0 ? "" : Between).Append(name).Append(' ');
            calls.Append(piece.Arguments);
            reason = piece.Reason ?? reason;
            usage = AskedUsage.Of(item) ?? usage;
            isEnded |= piece.IsEnd;
            if (piece is not { Thought: null or "", Text: null or "", Arguments: null or "" })
                begun?.Invoke(piece.Thought is { Length: > 0 });
        }

        return isEnded
            ? new AskedAnswer(thought.ToString(), text.ToString(), calls.ToString(), reason, usage)
            : throw new HttpRequestException("the stream ended without its end");
    }

    /// <summary>The arguments of the calls, each with its tool's name; an exception where one is no JSON.</summary>
    public IReadOnlyList<(string Name, JsonElement Arguments)> ReadCalls() =>
        [.. Calls.Split(Between).Select(call => (call[..call.IndexOf(' ')], JsonElement.Parse(call[call.IndexOf(' ')..])))];

    private readonly record struct Piece(string? Text, string? Name = null, string? Arguments = null, string? Reason = null, bool IsEnd = false, string? Thought = null);

    // The last event of a stream has the usage, and no choices.
    private static Piece OfChat(JsonNode item)
    {
        var choice = item["choices"]?.AsArray().FirstOrDefault();
        var call = choice?["delta"]?["tool_calls"]?[0]?["function"];
        return new(
            (string?)choice?["delta"]?["content"], (string?)call?["name"], (string?)call?["arguments"], (string?)choice?["finish_reason"],
            Thought: (string?)choice?["delta"]?["reasoning_content"]);
    }

    private static Piece OfCompletion(JsonNode item)
    {
        var choice = item["choices"]?.AsArray().FirstOrDefault();
        return new((string?)choice?["text"], Reason: (string?)choice?["finish_reason"]);
    }

    private static Piece OfMessage(JsonNode item) => new(
        (string?)item["delta"]?["text"], (string?)item["content_block"]?["name"], (string?)item["delta"]?["partial_json"],
        (string?)item["delta"]?["stop_reason"], (string?)item["type"] == "message_stop", (string?)item["delta"]?["thinking"]);

    private static Piece OfResponse(JsonNode item) => (string?)item["type"] switch
    {
        "response.reasoning_text.delta" => new(null, Thought: (string?)item["delta"]),
        "response.output_text.delta" => new((string?)item["delta"]),
        "response.output_item.added" => new(null, (string?)item["item"]!["name"]),
        "response.function_call_arguments.delta" => new(null, Arguments: (string?)item["delta"]),
        "response.completed" or "response.incomplete" => new(null, Reason: (string?)item["response"]!["status"], IsEnd: true),
        "response.failed" => throw new HttpRequestException($"the stream ended with an error: {item["response"]!["error"]?.ToJsonString()}"),
        _ => default,
    };

    // The token that ends a text is told, too, and is none of it.
    private static Piece OfGeneration(JsonNode item) => new(
        (bool)item["token"]!["special"]! ? null : (string?)item["token"]!["text"], Reason: (string?)item["details"]?["finish_reason"],
        IsEnd: item["generated_text"] is not null);
}
