using System.Text.Json;
using Formation.Inference.Cli.Tests.Fakes;

namespace Formation.Inference.Cli.Tests.Inference;

public sealed class ChatCommandTests : IAsyncLifetime
{
    private readonly CommandRun _user = new();
    private ScriptedServer _server = null!;

    public async ValueTask InitializeAsync()
    {
        _server = await ScriptedServer.StartAsync();
        _user.Environment["FORMATION_URL"] = _server.Url;
        _user.Environment["FORMATION_API_KEY"] = ScriptedServer.Key;
        _server.Events.AddRange(
        [
            """{"choices":[{"index":0,"delta":{"role":"assistant","content":""},"finish_reason":null}]}""",
            """{"choices":[{"index":0,"delta":{"content":"Good "},"finish_reason":null}]}""",
            """{"choices":[{"index":0,"delta":{"content":"day."},"finish_reason":null}]}""",
            """{"choices":[{"index":0,"delta":{},"finish_reason":"stop"}]}""",
            """{"choices":[],"usage":{"prompt_tokens":7,"completion_tokens":3,"total_tokens":10}}""",
            "[DONE]",
        ]);
    }

    public async ValueTask DisposeAsync()
    {
        await _server.DisposeAsync();
        _user.Dispose();
    }

    [Fact]
    public async Task The_answer_is_streamed_to_standard_output_and_ends_with_a_line_break()
    {
        Assert.Equal(ExitCode.Done, await _user.RunAsync("inference", "chat", "hello"));
        Assert.Equal("Good day.\n", _user.Out);
        Assert.Equal("", _user.Error);
    }

    [Fact]
    public async Task Options_reach_the_request_under_their_names_in_the_API()
    {
        await _user.RunAsync(
            "inference", "chat", "hello", "--system", "Be brief.", "--model", "m", "--max-tokens", "5", "--temperature", "0.5", "--seed", "7", "--stop", "x", "--stop", "y");

        var body = Assert.Single(_server.Requests);
        Assert.Equal(
            """[{"role":"system","content":"Be brief."},{"role":"user","content":"hello"}]""", body["messages"]!.ToJsonString());
        Assert.Equal("m", body["model"]!.GetValue<string>());
        Assert.Equal(5, body["max_tokens"]!.GetValue<int>());
        Assert.Equal(0.5, body["temperature"]!.GetValue<double>(), 6);
        Assert.Equal(7, body["seed"]!.GetValue<long>());
        Assert.Equal("""["x","y"]""", body["stop"]!.ToJsonString());
    }

    [Fact]
    public async Task Json_gives_one_document_with_the_usage()
    {
        Assert.Equal(ExitCode.Done, await _user.RunAsync("inference", "chat", "hello", "--json"));
        var answer = JsonDocument.Parse(_user.Out).RootElement;
        Assert.Equal("Good day.", answer.GetProperty("text").GetString());
        Assert.Equal("stop", answer.GetProperty("finishReason").GetString());
        Assert.Equal(3, answer.GetProperty("completionTokens").GetInt32());
    }

    [Fact]
    public async Task A_pipe_is_the_prompt()
    {
        _user.StandardInput = "from a pipe\n";
        Assert.Equal(ExitCode.Done, await _user.RunAsync("inference", "chat"));
        Assert.Equal("from a pipe", _server.Requests[0]["messages"]![0]!["content"]!.GetValue<string>());
    }

    [Fact]
    public async Task An_interactive_chat_sends_the_turns_before_and_forgets_them_on_demand()
    {
        _user.InputIsTerminal = true;
        _user.StandardInput = "one\ntwo\n/new\nthree\n/exit\n";
        Assert.Equal(ExitCode.Done, await _user.RunAsync("inference", "chat"));
        Assert.Equal([1, 3, 1], _server.Requests.Select(request => request["messages"]!.AsArray().Count));
        Assert.Equal("Good day.", _server.Requests[1]["messages"]![1]!["content"]!.GetValue<string>());
    }

    [Fact]
    public async Task A_connection_that_breaks_is_a_failure_and_not_a_short_answer()
    {
        _server.Events.RemoveRange(3, 3);
        _server.CutsTheConnection = true;
        Assert.Equal(ExitCode.Failed, await _user.RunAsync("inference", "chat", "hello"));
        Assert.Contains("before the answer was complete", _user.Error);
    }

    [Fact]
    public async Task An_error_in_the_middle_of_a_stream_is_shown()
    {
        _server.Events.RemoveRange(3, 3);
        _server.Events.Add("""{"error":{"message":"The server is shutting down.","type":"server_error","code":null}}""");
        Assert.Equal(ExitCode.Failed, await _user.RunAsync("inference", "chat", "hello"));
        Assert.Contains("The server is shutting down.", _user.Error);
    }

    [Theory]
    [InlineData(404, ExitCode.NotFound)]
    [InlineData(400, ExitCode.WrongUsage)]
    [InlineData(403, ExitCode.NotAuthorised)]
    [InlineData(429, ExitCode.Failed)]
    [InlineData(500, ExitCode.Failed)]
    public async Task Each_refusal_has_its_exit_code_and_its_message(int status, int exitCode)
    {
        _server.Refusal = (status, """{"error":{"message":"what the server says","type":"t","param":null,"code":null}}""");
        Assert.Equal(exitCode, await _user.RunAsync("inference", "chat", "hello"));
        Assert.Contains("what the server says", _user.Error);
    }

    [Fact]
    public async Task A_server_that_is_not_ours_is_told_apart()
    {
        _server.Refusal = (502, "<html>Bad gateway</html>");
        Assert.Equal(ExitCode.Failed, await _user.RunAsync("inference", "chat", "hello"));
        Assert.Contains("not a Formation server", _user.Error);
    }

    [Fact]
    public async Task No_server_is_exit_code_3()
    {
        Assert.Equal(ExitCode.ServerNotReachable, await _user.RunAsync("inference", "chat", "hello", "--url", "http://127.0.0.1:1"));
        Assert.Contains("http://127.0.0.1:1", _user.Error);
    }

    [Theory]
    [InlineData("--temperature", "hot")]
    [InlineData("--max-tokens", "0")]
    [InlineData("--url", "ftp://x")]
    [InlineData("--no-such-option", "1")]
    public async Task Wrong_usage_is_exit_code_2_and_names_the_value(string option, string value)
    {
        Assert.Equal(ExitCode.WrongUsage, await _user.RunAsync("inference", "chat", "hello", option, value));
        Assert.Contains(option == "--no-such-option" ? option : value, _user.Error);
    }
}
