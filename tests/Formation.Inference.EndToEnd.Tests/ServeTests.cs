using System.Net;
using System.Net.Http.Json;
using System.Text.Json;

namespace Formation.Inference.EndToEnd.Tests;

/// <summary>The life of a server process, as an operator sees it.</summary>
public sealed class ServeTests : IDisposable
{
    private readonly string _home = Directory.CreateTempSubdirectory("form-e2e-").FullName;

    public void Dispose() => Directory.Delete(_home, recursive: true);

    [Fact]
    public async Task The_first_start_shows_a_key_once_and_saves_it_for_the_command_line()
    {
        var model = TinyModelServer.BuildModel(_home);
        await using (var first = await ServerProcess.StartAsync(_home, "--model", $"formation-llm={model}"))
        {
            Assert.Contains(first.Output, line => line.Contains("fs_live_"));
            var chat = await FormProgram.RunAsync(_home, "", "inference", "chat", "hello", "--max-tokens", "4", "--url", first.Url);
            Assert.True(chat.ExitCode == 0, chat.Error);
            Assert.Equal(0, await first.StopAsync());
        }

        await using var second = await ServerProcess.StartAsync(_home, "--model", $"formation-llm={model}");
        Assert.DoesNotContain(second.Output, line => line.Contains("fs_live_"));
    }

    [Fact]
    public async Task A_stopped_server_finishes_the_request_that_runs_and_takes_no_new_one()
    {
        var model = TinyModelServer.BuildModel(_home);
        await using var server = await ServerProcess.StartAsync(_home, "--model", $"formation-llm={model}", "--no-auth");
        using var client = server.Client(null);
        var body = new { model = "formation-llm", prompt = "once", max_tokens = 400, stream = true, ignore_eos = true };
        using var request = new HttpRequestMessage(HttpMethod.Post, "/v1/completions") { Content = JsonContent.Create(body) };
        using var response = await client.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, TestContext.Current.CancellationToken);
        using var reader = new StreamReader(await response.Content.ReadAsStreamAsync(TestContext.Current.CancellationToken));
        await reader.ReadLineAsync(TestContext.Current.CancellationToken);

        server.Terminate();
        var rest = await reader.ReadToEndAsync(TestContext.Current.CancellationToken);

        Assert.Contains("\"finish_reason\":\"length\"", rest);
        Assert.EndsWith("data: [DONE]\n\n", rest);
        Assert.Equal(0, await server.StopAsync());
    }

    [Fact]
    public async Task A_killed_server_starts_again_with_the_same_key()
    {
        var model = TinyModelServer.BuildModel(_home);
        string key;
        await using (var first = await ServerProcess.StartAsync(_home, "--model", $"formation-llm={model}"))
        {
            key = first.Output.SelectMany(line => line.Split(' ')).Single(word => word.StartsWith("fs_live_", StringComparison.Ordinal));
            await first.KillAsync();
        }

        await using var second = await ServerProcess.StartAsync(_home, "--model", $"formation-llm={model}");
        using var client = second.Client(key);
        Assert.Equal(HttpStatusCode.OK, (await client.GetAsync("/v1/models", TestContext.Current.CancellationToken)).StatusCode);
    }

    [Fact]
    public async Task A_killed_server_goes_on_with_a_response_in_the_background_and_with_its_stream()
    {
        var model = TinyModelServer.BuildModel(_home, contextLength: 8192);
        string[] arguments = ["--model", $"formation-llm={model}", "--no-auth"];
        FollowedResponse response;
        await using (var first = await ServerProcess.StartAsync(_home, arguments))
        {
            using var client = first.Client(null);
            response = await FollowedResponse.BeginAsync(client, "formation-llm", tokens: 4000, events: 100);
            await first.KillAsync();
        }

        await using var second = await ServerProcess.StartAsync(_home, arguments);
        using var again = second.Client(null);
        await response.EndAsync(again, tokens: 4000);
    }

    [Fact]
    public async Task A_model_that_is_registered_while_the_server_runs_is_served_at_once()
    {
        var model = TinyModelServer.BuildModel(_home);
        await using var server = await ServerProcess.StartAsync(_home, "--model", $"formation-llm={model}", "--no-auth");
        Assert.Equal(0, (await FormProgram.RunAsync(_home, "", "models", "add", $"added/later={model}")).ExitCode);

        using var client = server.Client(null);
        var served = await UntilAsync(async () =>
            (await client.GetAsync("/v1/models/added/later", TestContext.Current.CancellationToken)).StatusCode == HttpStatusCode.OK);
        Assert.True(served);

        Assert.Equal(0, (await FormProgram.RunAsync(_home, "", "models", "remove", "added/later")).ExitCode);
        var gone = await UntilAsync(async () =>
            (await client.GetAsync("/v1/models/added/later", TestContext.Current.CancellationToken)).StatusCode == HttpStatusCode.NotFound);
        Assert.True(gone);
    }

    [Theory]
    [InlineData(5, "--model", "x=/there/is/no/such.gguf")]
    [InlineData(2, "--model", "not-an-assignment")]
    [InlineData(2, "--memory", "lots")]
    [InlineData(2, "--urls", "nonsense")]
    public async Task A_wrong_option_ends_the_start_with_its_exit_code_and_names_the_value(int exitCode, string option, string value)
    {
        var result = await FormProgram.RunAsync(_home, "", "inference", "serve", option, value);
        Assert.Equal(exitCode, result.ExitCode);
        Assert.Contains(value.Split('=')[^1], result.Error);
    }

    [Fact]
    public async Task A_port_that_is_taken_is_told_with_its_address()
    {
        var model = TinyModelServer.BuildModel(_home);
        await using var server = await ServerProcess.StartAsync(_home, "--model", $"formation-llm={model}", "--no-auth");
        var result = await FormProgram.RunAsync(_home, "", "inference", "serve", "--model", $"formation-llm={model}", "--no-auth", "--urls", server.Url);
        Assert.Equal(1, result.ExitCode);
        Assert.Contains(server.Url.TrimEnd('/'), result.Error);
    }

    [Fact]
    public async Task Metrics_and_health_answer_without_a_key_and_hold_no_text()
    {
        var model = TinyModelServer.BuildModel(_home);
        await using var server = await ServerProcess.StartAsync(_home, "--model", $"formation-llm={model}");
        var canary = "canary4711";
        Assert.Equal(0, (await FormProgram.RunAsync(_home, "", "inference", "chat", canary, "--max-tokens", "3", "--url", server.Url)).ExitCode);

        using var client = server.Client(null);
        Assert.Equal(HttpStatusCode.OK, (await client.GetAsync("/health/ready", TestContext.Current.CancellationToken)).StatusCode);
        var metrics = await client.GetStringAsync("/metrics", TestContext.Current.CancellationToken);
        Assert.Contains("formation", metrics);
        Assert.DoesNotContain(canary, metrics);
        Assert.DoesNotContain(canary, string.Join('\n', server.Errors) + string.Join('\n', server.Output));

        var open = await client.GetFromJsonAsync<JsonElement>("/openapi/v1.json", TestContext.Current.CancellationToken);
        Assert.True(open.GetProperty("paths").TryGetProperty("/v1/chat/completions", out _));
    }

    private static async Task<bool> UntilAsync(Func<Task<bool>> condition)
    {
        for (var attempt = 0; attempt < 100; attempt++)
        {
            if (await condition())
                return true;
            await Task.Delay(100, TestContext.Current.CancellationToken);
        }
        return false;
    }
}
