using Anthropic;
using Anthropic.Exceptions;
using Anthropic.Models.Messages;

namespace Formation.Inference.EndToEnd.Tests;

/// <summary>The official Anthropic client for C# against a real server.</summary>
public sealed class AnthropicClientTests(TinyModelServer fixture) : IClassFixture<TinyModelServer>
{
    private static MessageCreateParams Ask(string model = "tiny") => new()
    {
        Model = model,
        MaxTokens = 24,

        Messages = [new UserMessageParam("hello")],
        StopSequences = [],
    };

    [Fact]
    public async Task A_message_and_a_stream_are_answered_and_use_what_was_counted()
    {
        using var client = Client(TinyModelServer.Key);
        var cancellationToken = TestContext.Current.CancellationToken;
        var whole = await client.Messages.Create(Ask(), cancellationToken);

        // The client can't ask for the most probable tokens, and a model with random weights may say nothing.
        Assert.All(whole.Content, block => Assert.True(block.TryPickText(out var text) && text.Text.Length > 0));
        Assert.InRange(whole.Usage.OutputTokens, 1, 24);

        long output = 0;
        await foreach (var item in client.Messages.CreateStreaming(Ask(), cancellationToken))
            if (item.TryPickDelta(out var end))
                output = end.Usage.OutputTokens;
        Assert.InRange(output, 1, 24);

        var counted = await client.Messages.CountTokens(
            new MessageCountTokensParams { Model = "tiny", Messages = [new UserMessageParam("hello")] }, cancellationToken);
        Assert.Equal(counted.InputTokens, whole.Usage.InputTokens + whole.Usage.CacheReadInputTokens);
    }

    [Fact]
    public async Task A_prompt_longer_than_the_context_is_counted_and_not_answered()
    {
        using var client = Client(TinyModelServer.Key);
        var message = new UserMessageParam(string.Join(' ', Enumerable.Repeat("word", 240)));
        var counted = await client.Messages.CountTokens(
            new MessageCountTokensParams { Model = "tiny", Messages = [message] }, TestContext.Current.CancellationToken);
        Assert.InRange(counted.InputTokens, 513, 1024);
        var error = await Assert.ThrowsAnyAsync<AnthropicApiException>(
            () => client.Messages.Create(Ask() with { Messages = [message] }, TestContext.Current.CancellationToken));
        Assert.Contains("512", error.ResponseBody);
    }

    [Fact]
    public async Task A_wrong_key_and_a_wrong_model_are_the_clients_own_exceptions()
    {
        using var stranger = Client("wrong");
        await Assert.ThrowsAsync<AnthropicUnauthorizedException>(() => stranger.Messages.Create(Ask(), TestContext.Current.CancellationToken));
        using var client = Client(TinyModelServer.Key);
        await Assert.ThrowsAsync<AnthropicNotFoundException>(() => client.Messages.Create(Ask("no-such"), TestContext.Current.CancellationToken));
    }

    private AnthropicClient Client(string key) =>
        new() { BaseUrl = fixture.Server.Url, ApiKey = key, MaxRetries = 0, ResponseValidation = true };
}
