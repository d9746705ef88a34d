using System.Text.Json;
using Formation.Inference.Gateway.Tests.Fakes;

namespace Formation.Inference.Gateway.Tests.Errors;

/// <summary>What the engine's failures look like to a client, before the first byte and in the middle of a stream.</summary>
public class GenerationErrorTests
{
    public static TheoryData<GenerationErrorKind, int, string, string?> Table => new()
    {
        { GenerationErrorKind.InvalidRequest, 400, "invalid_request_error", "invalid_value" },
        { GenerationErrorKind.ModelNotFound, 404, "invalid_request_error", "model_not_found" },
        { GenerationErrorKind.ContextLengthExceeded, 400, "invalid_request_error", "context_length_exceeded" },
        { GenerationErrorKind.QueueFull, 429, "requests", "rate_limit_exceeded" },
        { GenerationErrorKind.ModelUnavailable, 503, "server_error", "model_unavailable" },
        { GenerationErrorKind.ShuttingDown, 503, "server_error", "shutting_down" },
        { GenerationErrorKind.Internal, 500, "server_error", null },
    };

    [Theory]
    [MemberData(nameof(Table))]
    public async Task Each_kind_has_its_status_type_and_code(GenerationErrorKind kind, int status, string type, string? code)
    {
        await using TestGateway gateway = await TestGateway.StartAsync();
        gateway.Backend.Script = Scripts.Events(Scripts.Failure(kind));
        foreach (string stream in (string[])["", ""","stream":true"""])
        {
            using HttpResponseMessage response = await gateway.ChatAsync(stream);
            JsonElement error = await ErrorAssert.IsErrorAsync(response, status, code, type);
            Assert.Equal($"scripted {kind}", error.GetProperty("message").GetString());
            Assert.Equal(status is 429 or 503 ? TimeSpan.FromSeconds(1) : null, response.Headers.RetryAfter?.Delta);
        }
    }

    [Fact]
    public void Every_kind_is_in_the_table() =>
        Assert.Equal(Enum.GetValues<GenerationErrorKind>(), Table.Select(row => row.Data.Item1).Order());

    [Theory]
    [InlineData("Prompt", "/v1/chat/completions", "messages")]
    [InlineData("Prompt", "/v1/completions", "prompt")]
    [InlineData("LogitBias", "/v1/completions", "logit_bias")]
    [InlineData("MaxTokens", "/v1/completions", "max_tokens")]
    [InlineData("MaxTokens", "/v1/chat/completions", "max_completion_tokens")]
    [InlineData("TokenIds", "/v1/chat/completions", "stop_token_ids")]
    [InlineData("SomethingNew", "/v1/chat/completions", null)]
    public async Task The_part_at_fault_has_the_clients_name(string part, string path, string? param)
    {
        await using TestGateway gateway = await TestGateway.StartAsync();
        gateway.Backend.Script = Scripts.Events(Scripts.Failure(GenerationErrorKind.InvalidRequest, part));
        string body = path.Contains("chat") ? TestGateway.Chat() : TestGateway.Complete();
        JsonElement error = await ErrorAssert.IsErrorAsync(await gateway.PostAsync(path, body), 400, "invalid_value");
        Assert.Equal(param, error.GetProperty("param").GetString());
    }

    [Fact]
    public async Task The_time_to_wait_is_rounded_up_to_seconds()
    {
        await using TestGateway gateway = await TestGateway.StartAsync();
        gateway.Backend.Script = Scripts.Events(Scripts.Failure(GenerationErrorKind.QueueFull, retryAfter: TimeSpan.FromMilliseconds(2100)));
        using HttpResponseMessage response = await gateway.ChatAsync();
        Assert.Equal(TimeSpan.FromSeconds(3), response.Headers.RetryAfter?.Delta);
    }

    [Fact]
    public async Task A_failure_in_the_middle_is_an_error_event_and_no_done()
    {
        await using TestGateway gateway = await TestGateway.StartAsync();
        gateway.Backend.Script = Scripts.Events(
            new GenerationStarted(3), new GenerationDelta(0, "Hel", []), Scripts.Failure(GenerationErrorKind.Internal));
        Transcript.Matches("chat-stream-failure.txt", await gateway.PostForTextAsync("/v1/chat/completions", TestGateway.Chat(""","stream":true""")));
    }

    [Fact]
    public async Task A_failure_in_the_middle_of_a_whole_answer_is_an_ordinary_error()
    {
        await using TestGateway gateway = await TestGateway.StartAsync();
        gateway.Backend.Script = Scripts.Events(
            new GenerationStarted(3), new GenerationDelta(0, "Hel", []), Scripts.Failure(GenerationErrorKind.Internal));
        await ErrorAssert.IsErrorAsync(await gateway.ChatAsync(), 500, null, "server_error");
    }

    [Theory]
    [InlineData("")]
    [InlineData(""","stream":true""")]
    public async Task An_exception_of_the_backend_is_a_500_that_tells_nothing(string stream)
    {
        await using TestGateway gateway = await TestGateway.StartAsync();
        gateway.Backend.Script = Scripts.ThenThrow();
        JsonElement error = await ErrorAssert.IsErrorAsync(await gateway.ChatAsync(stream), 500, null, "server_error");
        Assert.DoesNotContain("CANARY", error.GetProperty("message").GetString());
        Assert.Contains(gateway.Logs.Lines, line => line.Contains("InvalidTimeZoneException") && line.Contains("req_1"));
        Assert.DoesNotContain(gateway.Logs.Lines, line => line.Contains("CANARY"));
    }

    [Fact]
    public async Task An_exception_in_the_middle_of_a_stream_is_an_error_event()
    {
        await using TestGateway gateway = await TestGateway.StartAsync();
        gateway.Backend.Script = Scripts.ThenThrow(new GenerationStarted(3), new GenerationDelta(0, "Hel", []));
        string stream = await gateway.PostForTextAsync("/v1/chat/completions", TestGateway.Chat(""","stream":true"""));
        Assert.Contains("\"type\":\"server_error\"", stream.Split("\n\n", StringSplitOptions.RemoveEmptyEntries)[^1]);
        Assert.DoesNotContain("[DONE]", stream);
        Assert.DoesNotContain("CANARY", stream);
    }

    [Theory]
    [InlineData("")]
    [InlineData(""","stream":true""")]
    public async Task A_backend_that_just_stops_is_never_taken_for_a_complete_answer(string stream)
    {
        await using TestGateway gateway = await TestGateway.StartAsync();
        gateway.Backend.Script = Scripts.Events(new GenerationStarted(3), new GenerationDelta(0, "Hel", []));
        using HttpResponseMessage response = await gateway.ChatAsync(stream);
        string text = await response.Content.ReadAsStringAsync();
        Assert.Contains("\"type\":\"server_error\"", text);
        Assert.DoesNotContain("[DONE]", text);
    }
}
