using System.Text.Json;
using Formation.Inference.Gateway.Tests.Fakes;

namespace Formation.Inference.Gateway.Tests.Anthropic.Messages;

public class MessagesEndpointTests
{
    const string Path = "/v1/messages";

    [Theory]
    [InlineData("2023-06-01")]
    [InlineData("2026-10-21")]
    public async Task A_whole_answer_is_Anthropics_message_with_usage(string version)
    {
        await using TestGateway gateway = await TestGateway.StartAsync();
        using HttpResponseMessage response = await gateway.SendAnthropicAsync(Path, TestGateway.Messages(), version);

        Transcript.Matches("message.json", await response.Content.ReadAsStringAsync());
        Assert.Equal("application/json", response.Content.Headers.ContentType!.MediaType);
        Assert.Equal("req_1", Assert.Single(response.Headers.GetValues("request-id")));
    }

    [Fact]
    public async Task A_stream_begins_the_message_and_its_block_and_ends_both()
    {
        await using TestGateway gateway = await TestGateway.StartAsync();
        using HttpResponseMessage response = await gateway.SendAnthropicAsync(Path, TestGateway.Messages(""","stream":true"""));

        Transcript.Matches("message-stream.txt", await response.Content.ReadAsStringAsync());
        Assert.Equal("text/event-stream", response.Content.Headers.ContentType!.MediaType);
        Assert.Equal("req_1", Assert.Single(response.Headers.GetValues("request-id")));
    }

    [Fact]
    public async Task A_failure_in_the_middle_is_an_error_event_and_no_end()
    {
        await using TestGateway gateway = await TestGateway.StartAsync();
        gateway.Backend.Script = Scripts.Events(
            new GenerationStarted(3), new GenerationDelta(0, "Hel", []), Scripts.Failure(GenerationErrorKind.ModelUnavailable));
        Transcript.Matches("message-stream-failure.txt", await gateway.SendAnthropicForTextAsync(Path, TestGateway.Messages(""","stream":true""")));
    }

    [Theory]
    [InlineData("")]
    [InlineData(""","stream":true""")]
    public async Task An_answer_that_says_nothing_has_no_block(string stream)
    {
        await using TestGateway gateway = await TestGateway.StartAsync();
        gateway.Backend.Script = Scripts.Events(new GenerationStarted(3), new GenerationFinished(0, FinishReason.Stop, 1));
        string text = await gateway.SendAnthropicForTextAsync(Path, TestGateway.Messages(stream));
        Assert.Contains("\"content\":[]", text);
        Assert.Contains("end_turn", text);
        Assert.DoesNotContain("content_block", text);
    }

    public static TheoryData<FinishReason, string?, string, string?> Ends => new()
    {
        { FinishReason.Stop, null, "end_turn", null },
        { FinishReason.Length, null, "max_tokens", null },
        { FinishReason.Stop, "END", "stop_sequence", "END" },
        { FinishReason.Stop, "<turn of the model>", "end_turn", null },
    };

    [Theory]
    [MemberData(nameof(Ends))]
    public async Task The_reason_why_an_answer_ended_is_told_whole_and_streamed(FinishReason reason, string? found, string expected, string? sequence)
    {
        await using TestGateway gateway = await TestGateway.StartAsync();
        gateway.Backend.Script = Scripts.Events(
            new GenerationStarted(1), new GenerationDelta(0, "x", []), new GenerationFinished(0, reason, 16) { StopString = found });
        JsonElement whole = JsonElement.Parse(await gateway.SendAnthropicForTextAsync(Path, TestGateway.Messages(""","stop_sequences":["END"]""")));
        Assert.Equal((expected, sequence), (whole.GetProperty("stop_reason").GetString(), whole.GetProperty("stop_sequence").GetString()));

        string stream = await gateway.SendAnthropicForTextAsync(Path, TestGateway.Messages(""","stop_sequences":["END"],"stream":true"""));
        string end = stream.Split('\n').Single(line => line.Contains("\"message_delta\"") && line.StartsWith("data: "))["data: ".Length..];
        JsonElement delta = JsonElement.Parse(end).GetProperty("delta");
        Assert.Equal((expected, sequence), (delta.GetProperty("stop_reason").GetString(), delta.GetProperty("stop_sequence").GetString()));
    }

    [Theory]
    [InlineData("x-api-key")]
    [InlineData("Authorization")]
    public async Task A_key_is_taken_from_the_header_of_either_version(string header)
    {
        await using TestGateway gateway = await TestGateway.StartAsync();
        foreach (string version in (string[])["2023-06-01", "2026-10-21"])
        {
            var request = new HttpRequestMessage(HttpMethod.Post, Path) { Content = new StringContent(TestGateway.Messages(), null, "application/json") };
            request.Headers.Add("anthropic-version", version);
            request.Headers.Add(header, header == "Authorization" ? $"Bearer {TestGateway.OperatorKey}" : TestGateway.OperatorKey);
            using HttpResponseMessage response = await gateway.Anonymous.SendAsync(request);
            Assert.True(response.IsSuccessStatusCode);
        }
    }

    [Fact]
    public async Task A_client_that_goes_away_cancels_its_request()
    {
        await using TestGateway gateway = await TestGateway.StartAsync();
        gateway.Backend.Script = Scripts.ThenWait(new GenerationStarted(3), new GenerationDelta(0, "Hel", []));
        HttpResponseMessage response = await gateway.SendAnthropicAsync(Path, TestGateway.Messages(""","stream":true"""));
        response.Dispose();
        await gateway.Backend.Cancelled.Task.WaitAsync(TestContext.Current.CancellationToken);
    }
}
