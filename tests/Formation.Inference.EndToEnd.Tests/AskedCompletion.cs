using System.Diagnostics;
using System.Globalization;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace Formation.Inference.EndToEnd.Tests;

/// <summary>A streamed completion, put together as a client would.</summary>
sealed class AskedCompletion
{
    private readonly SortedDictionary<int, (StringBuilder Text, StringBuilder Tokens)> _choices = [];

    /// <summary>
    /// All that a client has of the answer, apart from ids, times and how it was cut into events: the same for two answers that say the same.
    /// </summary>
    public string Said => string.Join('\n', _choices.Select(choice => $"{choice.Key}: {choice.Value.Text} {choice.Value.Tokens}"));

    /// <summary>The longest time between two events; the wait for the first one does not count.</summary>
    public TimeSpan LongestPause { get; private set; }

    /// <summary>Requests that differ in all that may matter when a machine is lost in their middle.</summary>
    /// <param name="index">Which.</param>
    /// <param name="tokens">How many tokens it asks for.</param>
    public static JsonObject Request(int index, int tokens)
    {
        var request = new JsonObject
        {
            ["model"] = ClusterProcesses.Model,
            ["prompt"] = string.Create(CultureInfo.InvariantCulture, $"The {index}. story begins on a {(index % 2 == 0 ? "cold" : "warm")} day, and "),
            ["max_tokens"] = tokens,
            ["stream"] = true,
            ["temperature"] = index % 3 == 0 ? 0 : 0.9,
            ["seed"] = 1000 + index,
        };
        if (index % 5 == 1)
            request["n"] = 2;
        if (index % 7 == 2)
            request["logprobs"] = 2;
        if (index % 11 == 3)
            (request["frequency_penalty"], request["presence_penalty"]) = (0.5, 0.5);
        if (index % 4 == 1)
            request["stop"] = new JsonArray("e e", "zq");
        return request;
    }

    /// <summary>Asks, and reads the answer to its end.</summary>
    /// <param name="client">The client.</param>
    /// <param name="request">The request.</param>
    /// <param name="begun">Called with each event.</param>
    /// <param name="cancellationToken">Ends it.</param>
    public static async Task<AskedCompletion> AskAsync(HttpClient client, JsonObject request, Action? begun, CancellationToken cancellationToken)
    {
        using var message = new HttpRequestMessage(HttpMethod.Post, "/v1/completions")
        {
            Content = new StringContent(request.ToJsonString(), Encoding.UTF8, "application/json"),
        };
        using var response = await client.SendAsync(message, HttpCompletionOption.ResponseHeadersRead, cancellationToken);
        if (!response.IsSuccessStatusCode)
            throw new HttpRequestException($"{(int)response.StatusCode}: {await response.Content.ReadAsStringAsync(cancellationToken)}");
        var answer = new AskedCompletion();
        using var reader = new StreamReader(await response.Content.ReadAsStreamAsync(cancellationToken));
        long? last = null;
        var ended = false;
        while (await reader.ReadLineAsync(cancellationToken) is { } line)
        {
            if (!line.StartsWith("data: ", StringComparison.Ordinal))
                continue;
            begun?.Invoke();
            var pause = last is { } before ? Stopwatch.GetElapsedTime(before) : TimeSpan.Zero;
            last = Stopwatch.GetTimestamp();
            answer.LongestPause = pause > answer.LongestPause ? pause : answer.LongestPause;
            if (line == "data: [DONE]")
                ended = true;
            else
                answer.Take(JsonElement.Parse(line["data: ".Length..]));
        }
        return ended ? answer : throw new HttpRequestException("the stream ended without its end");
    }

    private void Take(JsonElement chunk)
    {
        if (chunk.TryGetProperty("error", out var error))
            throw new HttpRequestException($"the stream ended with an error: {error}");
        foreach (var choice in chunk.GetProperty("choices").EnumerateArray())
        {
            var index = choice.GetProperty("index").GetInt32();
            if (!_choices.TryGetValue(index, out var said))
                _choices[index] = said = (new StringBuilder(), new StringBuilder());
            said.Text.Append(choice.GetProperty("text").GetString());
            if (choice.TryGetProperty("logprobs", out var logprobs) && logprobs.ValueKind == JsonValueKind.Object)
                for (var i = 0; i < logprobs.GetProperty("tokens").GetArrayLength(); i++)
                    said.Tokens.Append(
                        CultureInfo.InvariantCulture,
                        $"{logprobs.GetProperty("tokens")[i]} {logprobs.GetProperty("token_logprobs")[i]} {logprobs.GetProperty("top_logprobs")[i]}; ");
            if (choice.GetProperty("finish_reason").GetString() is { } reason)
                said.Text.Append(CultureInfo.InvariantCulture, $"<{reason}>");
        }
    }
}
