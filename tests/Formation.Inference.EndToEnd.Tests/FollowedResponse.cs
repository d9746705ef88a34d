using System.Net.Http.Json;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace Formation.Inference.EndToEnd.Tests;

/// <summary>A response in the background whose stream is read at one server after the other.</summary>
internal sealed class FollowedResponse
{
    private const string Path = "/v1/responses";

    private readonly List<JsonElement> _events = [];

    private string Id => _events[0].GetProperty("response").GetProperty("id").GetString()!;

    private bool HasEnded => _events[^1].GetProperty("type").GetString() is "response.completed" or "response.incomplete" or "response.failed" or "response.cancelled";

    /// <summary>Asks for a response, and reads its first events.</summary>
    /// <param name="client">Where.</param>
    /// <param name="model">The model.</param>
    /// <param name="tokens">How many tokens it is to have.</param>
    /// <param name="events">How many events are read.</param>
    public static async Task<FollowedResponse> BeginAsync(HttpClient client, string model, int tokens, int events)
    {
        var followed = new FollowedResponse();
        var body = new JsonObject
        {
            ["model"] = model,
            ["input"] = "once",
            ["max_output_tokens"] = tokens,
            ["ignore_eos"] = true,
            ["background"] = true,
            ["stream"] = true,
        };
        using var request = new HttpRequestMessage(HttpMethod.Post, Path) { Content = JsonContent.Create(body) };
        using var response = await client.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, TestContext.Current.CancellationToken);
        await followed.ReadAsync(await response.Content.ReadAsStreamAsync(TestContext.Current.CancellationToken), events);
        Assert.False(followed.HasEnded);
        return followed;
    }

    /// <summary>Reads the rest somewhere else, and finds that all of it is one response.</summary>
    public async Task EndAsync(HttpClient client, int tokens)
    {
        var query = $"stream=true&starting_after={_events.Count - 1}";
        await ReadAsync(await client.GetStreamAsync($"{Path}/{Id}?{query}", TestContext.Current.CancellationToken), int.MaxValue);
        var whole = JsonElement.Parse(await client.GetStringAsync($"{Path}/{Id}", TestContext.Current.CancellationToken));
        Assert.Equal("incomplete", whole.GetProperty("status").GetString());
        Assert.Equal(tokens, whole.GetProperty("usage").GetProperty("output_tokens").GetInt32());
        Assert.Equal(
            whole.GetProperty("output")[0].GetProperty("content")[0].GetProperty("text").GetString(),
            string.Concat(_events.Select(each => each.TryGetProperty("delta", out var delta) ? delta.GetString() : null)));
        Assert.Equal(Enumerable.Range(0, _events.Count), _events.Select(each => each.GetProperty("sequence_number").GetInt32()));
    }

    private async Task ReadAsync(Stream stream, int events)
    {
        using var reader = new StreamReader(stream);
        while (_events.Count < events && await reader.ReadLineAsync(TestContext.Current.CancellationToken) is { } line)
            if (line.StartsWith("data: ", StringComparison.Ordinal))
                _events.Add(JsonElement.Parse(line["data: ".Length..]));
    }
}
