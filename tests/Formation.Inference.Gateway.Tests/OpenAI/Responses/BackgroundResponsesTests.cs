using System.Text.Json;
using Formation.Inference.Gateway.Contents;
using Formation.Inference.Gateway.Tests.Fakes;
using Formation.Inference.Testing;

namespace Formation.Inference.Gateway.Tests.OpenAI.Responses;

/// <summary>Responses that run by themselves and are asked for later.</summary>
public class BackgroundResponsesTests
{
    const string Path = "/v1/responses";
    const string Background = ""","background":true""";

    static readonly GenerationEvent[] Half = [new GenerationStarted(3), new GenerationDelta(0, "Hello", [])];

    static async Task<string> IdAsync(TestGateway gateway, string more = "")
    {
        JsonElement begun = await gateway.PostForJsonAsync(Path, TestGateway.Respond(Background + more));
        Assert.Equal("queued", Status(begun));
        Assert.True(begun.GetProperty("background").GetBoolean());
        Assert.Equal(0, begun.GetProperty("output").GetArrayLength());
        return begun.GetProperty("id").GetString()!;
    }

    static string Status(JsonElement response) => response.GetProperty("status").GetString()!;

    static string Text(JsonElement response) => response.GetProperty("output")[0].GetProperty("content")[0].GetProperty("text").GetString()!;

    static async Task<JsonElement> GetAsync(TestGateway gateway, string id)
    {
        string text = await gateway.Client.GetStringAsync($"{Path}/{id}");
        return JsonElement.Parse(text);
    }

    static async Task<JsonElement> WhenAsync(TestGateway gateway, string id, string status)
    {
        JsonElement response = default;
        await Eventually.TrueAsync(async () => Status(response = await GetAsync(gateway, id)) == status);
        return response;
    }

    static async Task<JsonElement> RefusedAsync(TestGateway gateway, HttpResponseMessage response, string param)
    {
        using (response)
        {
            JsonElement error = JsonElement.Parse(await response.Content.ReadAsStringAsync()).GetProperty("error");
            Assert.Equal((400, param), ((int)response.StatusCode, error.GetProperty("param").GetString()));
            return error;
        }
    }

    [Fact]
    public async Task A_response_in_the_background_waits_runs_and_is_what_it_would_be_otherwise()
    {
        await using TestGateway gateway = await TestGateway.StartAsync();
        const string More = ""","instructions":"Be brief.","max_output_tokens":7,"temperature":0.5,"metadata":{"a":"b"},"top_logprobs":2""";
        JsonElement foreground = await gateway.PostForJsonAsync(Path, TestGateway.Respond(More));
        var go = new TaskCompletionSource();
        gateway.Backend.Script = (request, token) => WaitAsync(Scripts.Words("Hello", " world")(request, token), go.Task);
        string id = await IdAsync(gateway, More);
        await WhenAsync(gateway, id, "in_progress");
        go.SetResult();
        JsonElement ended = await WhenAsync(gateway, id, "completed");
        foreach (JsonProperty property in foreground.EnumerateObject().Where(each => each.Name is not ("id" or "background" or "output")))
            Assert.Equal(property.Value.GetRawText(), ended.GetProperty(property.Name).GetRawText());
        Assert.Equal(
            foreground.GetProperty("output")[0].GetProperty("content").GetRawText(), ended.GetProperty("output")[0].GetProperty("content").GetRawText());
        Assert.Equal(foreground.EnumerateObject().Select(each => each.Name), ended.EnumerateObject().Select(each => each.Name));

        // It is gone on with as any other.
        gateway.Backend.Script = Scripts.Words("Yes");
        await gateway.PostForJsonAsync(Path, TestGateway.Respond($",\"previous_response_id\":\"{id}\"", "\"And?\""));
        Assert.Equal(["Be brief.", "Hi", "Hello world", "And?"], [.. new[] { "Be brief." }, .. Asked(gateway)]);
        Assert.Equal(0, gateway.Backend.Running);
    }

    static string?[] Asked(TestGateway gateway) =>
        [.. ((ChatPrompt)gateway.Backend.Requests.Last().Prompt).Messages.Select(message => message.Content?.Value)];

    /// <summary>The first event, and the others when a test says so.</summary>
    static async IAsyncEnumerable<GenerationEvent> WaitAsync(IAsyncEnumerable<GenerationEvent> events, Task go)
    {
        bool isFirst = true;
        await foreach (GenerationEvent item in events)
        {
            yield return item;
            if (isFirst)
                await go;
            isFirst = false;
        }
    }

    [Fact]
    public async Task One_that_has_to_be_kept_is_refused_where_nothing_is_and_with_store_false()
    {
        await using TestGateway gateway = await TestGateway.StartAsync();
        await RefusedAsync(gateway, await gateway.PostAsync(Path, TestGateway.Respond(Background + ""","store":false""")), "background");
        await using TestGateway forgetful = await TestGateway.StartAsync(options => options with { Contents = null });
        await RefusedAsync(forgetful, await forgetful.PostAsync(Path, TestGateway.Respond(Background)), "background");
    }

    [Fact]
    public async Task What_is_wrong_with_a_request_is_said_at_once_and_what_the_engine_finds_in_the_response()
    {
        await using TestGateway gateway = await TestGateway.StartAsync();
        await RefusedAsync(gateway, await gateway.PostAsync(Path, TestGateway.Respond(Background + ""","temperature":3""")), "temperature");
        gateway.Backend.Script = Scripts.Events(Scripts.Failure(GenerationErrorKind.ContextLengthExceeded, "Prompt"));
        JsonElement failed = await WhenAsync(gateway, await IdAsync(gateway), "failed");
        Assert.Equal("invalid_prompt", failed.GetProperty("error").GetProperty("code").GetString());
        Assert.Contains("scripted", failed.GetProperty("error").GetProperty("message").GetString());
        gateway.Backend.Script = Scripts.ThenThrow(Half);
        failed = await WhenAsync(gateway, await IdAsync(gateway), "failed");
        Assert.Equal("server_error", failed.GetProperty("error").GetProperty("code").GetString());
        Assert.DoesNotContain("CANARY", failed.GetRawText() + string.Concat(gateway.Logs.Lines));
    }

    [Fact]
    public async Task A_model_that_is_not_ready_is_waited_for_and_so_is_a_place()
    {
        await using TestGateway gateway = await TestGateway.StartAsync(options => options with { MaxConcurrentRequestsPerAccount = 1 });
        gateway.Backend.Script = Scripts.Events(Scripts.Failure(GenerationErrorKind.ModelUnavailable));
        string id = await IdAsync(gateway, ""","stream":false""");
        await Eventually.TrueAsync(() => gateway.Backend.Requests.Count == 1);
        gateway.Backend.Script = Scripts.ThenWait(Half);
        await AdvanceUntilAsync(gateway, () => gateway.Backend.Requests.Count == 2);
        await WhenAsync(gateway, id, "in_progress");

        // The one place is taken.
        using HttpResponseMessage refused = await gateway.PostAsync(Path, TestGateway.Respond());
        Assert.Equal(429, (int)refused.StatusCode);
        using (await gateway.PostAsync($"{Path}/{id}/cancel", "")) { }
        await gateway.Backend.Cancelled.Task;
        gateway.Backend.Script = Scripts.Words("Yes");
        await Eventually.TrueAsync(async () =>
        {
            using HttpResponseMessage response = await gateway.PostAsync(Path, TestGateway.Respond());
            return response.IsSuccessStatusCode;
        });
    }

    [Fact]
    public async Task A_model_that_never_comes_is_not_waited_for_for_ever()
    {
        await using TestGateway gateway = await TestGateway.StartAsync();
        gateway.Backend.Script = Scripts.Events(Scripts.Failure(GenerationErrorKind.ModelUnavailable));
        string id = await IdAsync(gateway);
        await Eventually.TrueAsync(() => !gateway.Backend.Requests.IsEmpty);
        gateway.Clock.Advance(TimeSpan.FromMinutes(61));
        await AdvanceUntilAsync(gateway, async () => Status(await GetAsync(gateway, id)) == "failed");
    }

    static Task AdvanceUntilAsync(TestGateway gateway, Func<bool> condition) => AdvanceUntilAsync(gateway, () => Task.FromResult(condition()));

    static Task AdvanceUntilAsync(TestGateway gateway, Func<Task<bool>> condition) => Eventually.TrueAsync(async () =>
    {
        gateway.Clock.Advance(TimeSpan.FromSeconds(1));
        return await condition();
    });

    [Fact]
    public async Task A_cancelled_response_ends_at_once_and_stays_cancelled()
    {
        await using TestGateway gateway = await TestGateway.StartAsync();
        gateway.Backend.Script = Scripts.ThenWait(Half);
        string id = await IdAsync(gateway);
        await WhenAsync(gateway, id, "in_progress");
        for (int i = 0; i < 2; i++)
        {
            JsonElement cancelled = await gateway.PostForJsonAsync($"{Path}/{id}/cancel", "");
            Assert.Equal(("cancelled", 0), (Status(cancelled), cancelled.GetProperty("output").GetArrayLength()));
        }

        await gateway.Backend.Cancelled.Task;
        await Eventually.TrueAsync(() => gateway.Backend.Running == 0);
        Assert.Equal("cancelled", Status(await GetAsync(gateway, id)));
        JsonElement error = await RefusedAsync(
            gateway, await gateway.PostAsync(Path, TestGateway.Respond($",\"previous_response_id\":\"{id}\"")), "previous_response_id");
        Assert.Contains("no answer", error.GetProperty("message").GetString());
    }

    [Fact]
    public async Task A_response_that_has_ended_is_told_when_it_is_cancelled_and_one_of_a_request_is_refused()
    {
        await using TestGateway gateway = await TestGateway.StartAsync();
        string id = await IdAsync(gateway);
        await WhenAsync(gateway, id, "completed");
        Assert.Equal("completed", Status(await gateway.PostForJsonAsync($"{Path}/{id}/cancel", "")));
        string other = (await gateway.PostForJsonAsync(Path, TestGateway.Respond())).GetProperty("id").GetString()!;
        using HttpResponseMessage refused = await gateway.PostAsync($"{Path}/{other}/cancel", "");
        await ErrorAssert.IsErrorAsync(refused, 400, "invalid_value");
        using HttpResponseMessage missing = await gateway.PostAsync($"{Path}/resp_none/cancel", "");
        Assert.Equal(404, (int)missing.StatusCode);
    }

    [Fact]
    public async Task An_open_response_can_be_deleted_and_not_be_gone_on_with()
    {
        await using TestGateway gateway = await TestGateway.StartAsync();
        gateway.Backend.Script = Scripts.ThenWait(Half);
        string id = await IdAsync(gateway);
        JsonElement error = await RefusedAsync(
            gateway, await gateway.PostAsync(Path, TestGateway.Respond($",\"previous_response_id\":\"{id}\"")), "previous_response_id");
        Assert.Contains("has not ended", error.GetProperty("message").GetString());
        await WhenAsync(gateway, id, "in_progress");
        using (HttpResponseMessage deleted = await gateway.Client.DeleteAsync($"{Path}/{id}"))
            Assert.True(deleted.IsSuccessStatusCode);
        await gateway.Backend.Cancelled.Task;
        using HttpResponseMessage gone = await gateway.Client.GetAsync($"{Path}/{id}");
        Assert.Equal(404, (int)gone.StatusCode);
    }

    [Fact]
    public async Task An_account_has_only_so_many_in_the_background()
    {
        await using TestGateway gateway = await TestGateway.StartAsync();
        gateway.Backend.Script = Scripts.ThenWait(Half);
        for (int i = 0; i < OpenResponseTable.MaxOpen; i++)
            await IdAsync(gateway);
        using HttpResponseMessage refused = await gateway.PostAsync(Path, TestGateway.Respond(Background));
        await ErrorAssert.IsErrorAsync(refused, 429, "rate_limit_exceeded", "requests");
    }

    [Fact]
    public async Task Another_gateway_goes_on_with_what_one_left_with_the_same_seed()
    {
        await using TestGateway here = await TestGateway.StartAsync();
        string id;
        GenerationRequest first;
        await using (TestGateway there = await TestGateway.StartAsync(beside: here))
        {
            there.Backend.Script = Scripts.ThenWait(Half);
            id = await IdAsync(there);
            await WhenAsync(there, id, "in_progress");
            first = there.Backend.Requests.Single();
        }

        await AdvanceUntilAsync(here, async () => Status(await GetAsync(here, id)) == "completed");
        GenerationRequest second = here.Backend.Requests.Single();
        Assert.NotNull(first.Sampling.Seed);
        Assert.Equal(first.Sampling.Seed, second.Sampling.Seed);
        Assert.Equal((TestGateway.Now, TestGateway.Now), (first.TemplateTime, second.TemplateTime));
        Assert.Equal("Hello world", Text(await GetAsync(here, id)));
    }

    [Fact]
    public async Task What_another_gateway_runs_is_cancelled_here()
    {
        await using TestGateway here = await TestGateway.StartAsync();
        await using TestGateway there = await TestGateway.StartAsync(beside: here);
        there.Backend.Script = Scripts.ThenWait(Half);
        string id = await IdAsync(there);
        await WhenAsync(here, id, "in_progress");
        Assert.Equal("cancelled", Status(await here.PostForJsonAsync($"{Path}/{id}/cancel", "")));
        await AdvanceUntilAsync(here, () => there.Backend.Cancelled.Task.IsCompleted);
        Assert.Empty(here.Backend.Requests);
    }

    [Fact]
    public async Task A_response_that_ends_its_gateway_again_and_again_is_given_up()
    {
        await using TestGateway owner = await TestGateway.StartAsync(options => options with { Contents = null });
        string id;
        await using (TestGateway first = await TestGateway.StartAsync(beside: owner))
        {
            first.Backend.Script = Scripts.ThenWait(Half);
            id = await IdAsync(first);
            await WhenAsync(first, id, "in_progress");
        }

        for (int i = 0; i < 5; i++)
        {
            owner.Clock.Advance(TimeSpan.FromSeconds(11));
            Assert.Equal(id, (await owner.Contents.OpenResponses.TryHoldAsync("one that is lost", CancellationToken.None))!.Id);
        }

        owner.Clock.Advance(TimeSpan.FromSeconds(11));
        await using TestGateway last = await TestGateway.StartAsync(beside: owner);
        JsonElement failed = await WhenAsync(last, id, "failed");
        Assert.Equal("server_error", failed.GetProperty("error").GetProperty("code").GetString());
        Assert.Empty(last.Backend.Requests);
    }
}
