using System.Text.Json;
using Formation.Inference.Gateway.Contents;
using Formation.Inference.Gateway.Tests.Fakes;
using Formation.Inference.Testing;

namespace Formation.Inference.Gateway.Tests.OpenAI.Responses;

/// <summary>Streams of responses in the background, which go on when their reader comes back.</summary>
public class BackgroundStreamTests
{
    const string Path = "/v1/responses";
    const string Streamed = ""","background":true,"stream":true""";

    static readonly GenerationEvent[] Half = [new GenerationStarted(3), new GenerationDelta(0, "Hello", [])];

    /// <summary>The events of a stream: number, type, and the text that it adds.</summary>
    static (int Number, string Type, string? Delta)[] Events(string stream) =>
        [.. stream.Split("\n\n", StringSplitOptions.RemoveEmptyEntries).Where(each => each.Contains("\ndata: ", StringComparison.Ordinal)).Select(Event)];

    static (int Number, string Type, string? Delta) Event(string text)
    {
        string[] lines = text.Split("\ndata: ");
        JsonElement data = JsonElement.Parse(lines[1]);
        Assert.Equal($"event: {data.GetProperty("type").GetString()}", lines[0]);
        return (data.GetProperty("sequence_number").GetInt32(), data.GetProperty("type").GetString()!,
            data.TryGetProperty("delta", out JsonElement delta) ? delta.GetString() : null);
    }

    static string IdOf(string stream) =>
        JsonElement.Parse(stream.Split("data: ")[1].Split('\n')[0]).GetProperty("response").GetProperty("id").GetString()!;

    static async Task<string> FollowAsync(TestGateway gateway, string id, string query = "") => await gateway.Client.GetStringAsync($"{Path}/{id}?stream=true{query}");

    /// <summary>Reads a stream until it has so many events, and goes away.</summary>
    static async Task<string> BeginAsync(TestGateway gateway, int events, string more = "")
    {
        using HttpResponseMessage response = await gateway.PostAsync(Path, TestGateway.Respond(Streamed + more));
        Assert.True(response.IsSuccessStatusCode);
        using var reader = new StreamReader(await response.Content.ReadAsStreamAsync());
        string stream = "";
        while (Events(stream).Length < events)
            stream += await reader.ReadLineAsync() + "\n";
        return stream;
    }

    [Fact]
    public async Task A_stream_tells_that_the_response_waits_and_then_what_it_would_tell_otherwise()
    {
        await using TestGateway gateway = await TestGateway.StartAsync();
        string[] Types(string stream) => [.. Events(stream).Select(each => each.Type)];
        string[] otherwise = Types(await gateway.PostForTextAsync(Path, TestGateway.Respond(""","stream":true""")));
        string stream = await gateway.PostForTextAsync(Path, TestGateway.Respond(Streamed));
        Assert.Equal(["response.created", "response.queued", .. otherwise[1..]], Types(stream));
        Assert.Equal(Enumerable.Range(0, otherwise.Length + 1), Events(stream).Select(each => each.Number));

        // And all of it again, or what is left of it.
        Assert.Equal(stream, await FollowAsync(gateway, IdOf(stream)));
        for (int after = 0; after <= otherwise.Length + 1; after++)
            Assert.Equal(Events(stream).Where(each => each.Number > after), Events(await FollowAsync(gateway, IdOf(stream), $"&starting_after={after}")));
    }

    [Theory]
    [InlineData(""","tools":[{"type":"function","name":"f"}]""")]
    [InlineData(""","top_logprobs":2""")]
    public async Task Whoever_goes_away_finds_the_rest_later(string more)
    {
        await using TestGateway gateway = await TestGateway.StartAsync();
        string whole = await gateway.PostForTextAsync(Path, TestGateway.Respond(Streamed + more));
        var go = new TaskCompletionSource();
        gateway.Backend.Script = (request, token) => PauseAsync(Scripts.Words("Hello", " world")(request, token), 2, go.Task);
        string begun = await BeginAsync(gateway, 5, more);
        Task<string> rest = FollowAsync(gateway, IdOf(begun), "&starting_after=4");
        go.SetResult();
        Assert.Equal(Events(whole), Events(begun)[..5].Concat(Events(await rest)));
    }

    static async IAsyncEnumerable<GenerationEvent> PauseAsync(IAsyncEnumerable<GenerationEvent> events, int after, Task go)
    {
        await foreach (GenerationEvent item in events)
        {
            yield return item;
            if (--after == 0)
                await go;
        }
    }

    [Fact]
    public async Task A_stream_goes_on_at_another_gateway_that_runs_the_response_again_in_other_pieces()
    {
        await using TestGateway here = await TestGateway.StartAsync();
        string begun;
        await using (TestGateway there = await TestGateway.StartAsync(beside: here))
        {
            there.Backend.Script = Scripts.ThenWait(new GenerationStarted(3), new GenerationDelta(0, "Hello wor", []));
            begun = await BeginAsync(there, 6);
            await AdvanceUntilAsync(here, async () => await here.Contents.ResponseEvents.FindAsync("administrator", IdOf(begun), 5, CancellationToken.None) is not null);
        }

        here.Backend.Script = Scripts.Words("He", "llo wo", "rld");
        Task<string> follow = FollowAsync(here, IdOf(begun), "&starting_after=5");
        await AdvanceUntilAsync(here, () => Task.FromResult(follow.IsCompleted));
        (int Number, string Type, string? Delta)[] all = [.. Events(begun)[..6], .. Events(await follow)];
        Assert.Equal(Enumerable.Range(0, all.Length), all.Select(each => each.Number));
        Assert.Equal("Hello world", string.Concat(all.Select(each => each.Delta)));
        Assert.Equal(["response.created", "response.queued", "response.in_progress"], all[..3].Select(each => each.Type));
        Assert.Equal("response.completed", all[^1].Type);
        Assert.Single(all, each => each.Type == "response.output_item.added");
    }

    static Task AdvanceUntilAsync(TestGateway gateway, Func<Task<bool>> condition) => Eventually.TrueAsync(async () =>
    {
        gateway.Clock.Advance(TimeSpan.FromSeconds(1));
        return await condition();
    });

    [Fact]
    public async Task What_another_gateway_runs_is_followed_here()
    {
        await using TestGateway here = await TestGateway.StartAsync();
        await using TestGateway there = await TestGateway.StartAsync(beside: here);
        var go = new TaskCompletionSource();
        there.Backend.Script = (request, token) => PauseAsync(Scripts.Words("Hello", " world")(request, token), 2, go.Task);
        string begun = await BeginAsync(there, 5);
        Task<string> follow = FollowAsync(here, IdOf(begun));
        go.SetResult();
        await AdvanceUntilAsync(here, () => Task.FromResult(follow.IsCompleted));
        Assert.Equal("Hello world", string.Concat(Events(await follow).Select(each => each.Delta)));
        Assert.Equal("response.completed", Events(await follow)[^1].Type);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task A_stream_of_a_response_that_is_cancelled_or_deleted_ends_by_saying_so(bool isCancelled)
    {
        await using TestGateway gateway = await TestGateway.StartAsync();
        gateway.Backend.Script = Scripts.ThenWait(Half);
        string begun = await BeginAsync(gateway, 5);
        // Followed from before it ends: a stream that is asked for later finds nothing.
        using HttpResponseMessage follow = await gateway.Client.GetAsync($"{Path}/{IdOf(begun)}?stream=true", HttpCompletionOption.ResponseHeadersRead);
        Assert.True(follow.IsSuccessStatusCode);
        if (isCancelled)
            using (await gateway.PostAsync($"{Path}/{IdOf(begun)}/cancel", "")) { }
        else
            using (await gateway.Client.DeleteAsync($"{Path}/{IdOf(begun)}")) { }
        Assert.Equal(isCancelled ? "response.cancelled" : "error", Events(await follow.Content.ReadAsStringAsync())[^1].Type);
    }

    [Fact]
    public async Task A_failure_is_told_in_the_stream()
    {
        await using TestGateway gateway = await TestGateway.StartAsync();
        gateway.Backend.Script = Scripts.Events([.. Half, Scripts.Failure(GenerationErrorKind.InvalidRequest)]);
        (int Number, string Type, string? Delta)[] events = Events(await gateway.PostForTextAsync(Path, TestGateway.Respond(Streamed)));
        Assert.Equal(["error", "response.failed"], events[^2..].Select(each => each.Type));
        Assert.Equal(Enumerable.Range(0, events.Length), events.Select(each => each.Number));
    }

    [Fact]
    public async Task What_can_not_be_streamed_is_refused_by_name()
    {
        await using TestGateway gateway = await TestGateway.StartAsync();
        string foreground = (await gateway.PostForJsonAsync(Path, TestGateway.Respond())).GetProperty("id").GetString()!;
        string whole = (await gateway.PostForJsonAsync(Path, TestGateway.Respond(""","background":true"""))).GetProperty("id").GetString()!;
        string streamed = IdOf(await gateway.PostForTextAsync(Path, TestGateway.Respond(Streamed)));
        foreach ((string id, string query, string param) in new[]
        {
            (foreground, "stream=true", "stream"), (whole, "stream=true", "stream"), (streamed, "stream=maybe", "stream"), (streamed, "starting_after=2", "starting_after"),
            (streamed, "stream=true&starting_after=-1", "starting_after"), (streamed, "stream=true&starting_after=x", "starting_after"),
            (streamed, "stream=true&starting_after=9999999999", "starting_after"), (streamed, "stream=true&include_obfuscation=true", "include_obfuscation"),
        })
        {
            using HttpResponseMessage refused = await gateway.Client.GetAsync($"{Path}/{id}?{query}");
            JsonElement error = JsonElement.Parse(await refused.Content.ReadAsStringAsync()).GetProperty("error");
            Assert.Equal((400, param), ((int)refused.StatusCode, error.GetProperty("param").GetString()));
        }

        // The events go an hour behind the end, and the response stays.
        gateway.Clock.Advance(ResponseEventTable.Lifetime);
        using HttpResponseMessage late = await gateway.Client.GetAsync($"{Path}/{streamed}?stream=true");
        Assert.Equal(400, (int)late.StatusCode);
        using HttpResponseMessage kept = await gateway.Client.GetAsync($"{Path}/{streamed}");
        Assert.True(kept.IsSuccessStatusCode);
    }
}
