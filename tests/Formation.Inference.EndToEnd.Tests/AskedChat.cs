using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace Formation.Inference.EndToEnd.Tests;

/// <summary>A streamed answer to a conversation over OpenAI's or Anthropic's API, put together as a client would.</summary>
/// <param name="Text">What the model said.</param>
/// <param name="Calls">The tools that it called: name and arguments as they came.</param>
/// <param name="Reason">Why it ended, in the API's words.</param>
sealed record AskedChat(string Text, string Calls, string Reason)
{
    // Between two calls: no JSON has it.
    private const string Between = "\u001e";

    /// <summary>Asks, and reads the answer to its end.</summary>
    /// <param name="client">The client.</param>
    /// <param name="request">The request; one with <c>max_tokens</c> goes to Anthropic's API.</param>
    /// <param name="begun">Called with each piece of the answer.</param>
    /// <param name="cancellationToken">Ends it.</param>
    public static async Task<AskedChat> AskAsync(HttpClient client, JsonObject request, Action? begun, CancellationToken cancellationToken)
    {
        var isAnthropic = request.ContainsKey("max_tokens");
        using var message = new HttpRequestMessage(HttpMethod.Post, isAnthropic ? "/v1/messages" : "/v1/chat/completions")
        {
            Content = new StringContent(request.ToJsonString(), Encoding.UTF8, "application/json"),
        };
        if (isAnthropic)
            message.Headers.Add("anthropic-version", "2023-06-01");
        using var response = await client.SendAsync(message, HttpCompletionOption.ResponseHeadersRead, cancellationToken);
        if (!response.IsSuccessStatusCode)
            throw new HttpRequestException($"{(int)response.StatusCode}: {await response.Content.ReadAsStringAsync(cancellationToken)}");
        var (text, calls, reason, isEnded) = (new StringBuilder(), new StringBuilder(), "", false);
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
            isEnded |= (string?)item["type"] == "message_stop";
            var choice = item["choices"]?[0];
            var delta = choice?["delta"] ?? item["delta"];
            var piece = (string?)delta?["content"] + (string?)delta?["text"];
            var call = (string?)delta?["tool_calls"]?[0]?["function"]?["arguments"] + (string?)delta?["partial_json"];
            text.Append(piece);
            if (((string?)delta?["tool_calls"]?[0]?["function"]?["name"] ?? (string?)item["content_block"]?["name"]) is { } name)
                calls.Append(calls.Length == 0 ? "" : Between).Append(name).Append(' ');
            calls.Append(call);
            reason = (string?)choice?["finish_reason"] ?? (string?)delta?["stop_reason"] ?? reason;
            if (piece.Length + call.Length > 0)
                begun?.Invoke();
        }

        return isEnded ? new AskedChat(text.ToString(), calls.ToString(), reason) : throw new HttpRequestException("the stream ended without its end");
    }

    /// <summary>The arguments of the calls, each with its tool's name; an exception where one is no JSON.</summary>
    public IReadOnlyList<(string Name, JsonElement Arguments)> ReadCalls() =>
        [.. Calls.Split(Between).Select(call => (call[..call.IndexOf(' ')], JsonElement.Parse(call[call.IndexOf(' ')..])))];
}
