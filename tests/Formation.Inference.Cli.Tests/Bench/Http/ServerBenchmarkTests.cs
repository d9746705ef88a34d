using System.Text.Json;
using Formation.Inference.Cli.Tests.Fakes;

namespace Formation.Inference.Cli.Tests.Bench.Http;

public sealed class ServerBenchmarkTests : IAsyncLifetime
{
    private readonly CommandRun _user = new() { Time = new SteppingTime(TimeSpan.FromSeconds(0.25)) };
    private ScriptedServer _server = null!;

    public async ValueTask InitializeAsync()
    {
        _server = await ScriptedServer.StartAsync();
        _server.Events.AddRange(
        [
            """{"choices":[{"index":0,"delta":{"role":"assistant","content":""},"finish_reason":null}]}""",
            """{"choices":[{"index":0,"delta":{"content":"Good "},"finish_reason":null}]}""",
            """{"choices":[{"index":0,"delta":{"content":"day."},"finish_reason":"length"}]}""",
            """{"choices":[],"usage":{"prompt_tokens":70,"completion_tokens":2,"prompt_tokens_details":{"cached_tokens":16}}}""",
            "[DONE]",
        ]);
    }

    public async ValueTask DisposeAsync()
    {
        await _server.DisposeAsync();
        _user.Dispose();
    }

    [Fact]
    public async Task A_running_server_is_measured_by_streams_that_no_model_ends()
    {
        Assert.Equal(ExitCode.Done, await BenchAsync("--model", "some-model", "--prompt", "0", "--generate", "2", "--repeat", "1", "--json"));

        var report = JsonDocument.Parse(_user.Out).RootElement;
        Assert.Equal("some-model", report.GetProperty("model").GetString());
        var result = Assert.Single(report.GetProperty("results").EnumerateArray());
        Assert.Equal("tg2", result.GetProperty("test").GetString());
        // A token a quarter of a second after the first.
        Assert.Equal(4, result.GetProperty("tokensPerSecond").GetProperty("median").GetDouble());
        Assert.All(_server.Requests, body =>
        {
            Assert.Equal("some-model", body["model"]!.GetValue<string>());
            Assert.Equal(2, body["max_tokens"]!.GetValue<int>());
            Assert.True(body["ignore_eos"]!.GetValue<bool>());
            Assert.True(body["stream_options"]!["include_usage"]!.GetValue<bool>());
        });
    }

    [Fact]
    public async Task The_first_token_is_waited_for_with_a_new_prompt_and_with_the_same_again()
    {
        Assert.Equal(ExitCode.Done, await BenchAsync("--prompt", "100", "--generate", "0", "--repeat", "2", "--json"));

        var prompts = _server.Requests.Select(body => body["messages"]![0]!["content"]!.GetValue<string>()).ToArray();
        // Two to learn how many tokens a word has, then two pairs.
        Assert.Equal(6, prompts.Length);
        Assert.Equal(prompts[2], prompts[3]);
        Assert.Equal(prompts[4], prompts[5]);
        Assert.NotEqual(prompts[2][0], prompts[4][0]);
        var waits = JsonDocument.Parse(_user.Out).RootElement.GetProperty("firstTokens").EnumerateArray().ToArray();
        Assert.Equal(2, waits.Length);
        Assert.All(waits, wait =>
        {
            Assert.Equal(70, wait.GetProperty("promptTokens").GetInt32());
            Assert.Equal(16, wait.GetProperty("cachedTokens").GetInt32());
            Assert.Equal(0.25, wait.GetProperty("seconds").GetProperty("median").GetDouble());
        });
    }

    [Fact]
    public async Task A_table_is_shown_to_people()
    {
        Assert.Equal(ExitCode.Done, await BenchAsync("--prompt", "100", "--generate", "2", "--repeat", "1"));

        Assert.Contains("tg2", _user.Out);
        Assert.Contains("70 tokens", _user.Out);
    }

    [Fact]
    public async Task Several_models_at_once_are_refused() =>
        Assert.Equal(ExitCode.WrongUsage, await BenchAsync("--model", "a", "--model", "b"));

    private Task<int> BenchAsync(params string[] arguments) =>
        _user.RunAsync(["bench", "--http", _server.Url, "--key", ScriptedServer.Key, .. arguments]);
}
