using System.Net;
using System.Text;
using Anthropic;
using Anthropic.Exceptions;
using Anthropic.Models.Messages;
using Anthropic.Models.Messages.Batches;
using Formation.Inference.Gateway.Tests.Fakes;
using Formation.Inference.Testing;

namespace Formation.Inference.Gateway.Tests.Clients;

/// <summary>Anthropic's official client for .NET, which checks every answer against the API's types, against the gateway over a real port.</summary>
public class AnthropicDotNetClientTests
{
    static AnthropicClient Client(TestGateway gateway, string key = TestGateway.OperatorKey) =>
        new() { BaseUrl = gateway.Url.ToString(), ApiKey = key, MaxRetries = 0, ResponseValidation = true };

    static MessageCreateParams Ask(string model = "tiny") =>
        new() { Model = model, MaxTokens = 32, Messages = [new UserMessageParam("Say something.")] };

    static async Task<TestGateway> StartAsync()
    {
        TestGateway gateway = await TestGateway.StartAsync(realClock: true);
        gateway.Backend.Script = ObedientModel.Script;
        return gateway;
    }

    static string TextOf(Message message) => string.Concat(message.Content.Select(block => block.TryPickText(out TextBlock? text) ? text.Text : "?"));

    [Fact]
    public async Task A_message_has_text_reason_and_usage()
    {
        await using TestGateway gateway = await StartAsync();
        using AnthropicClient client = Client(gateway);
        Message answer = await client.Messages.Create(Ask() with { System = "Be brief." }, TestContext.Current.CancellationToken);
        Assert.Equal("The quick brown fox jumps over the lazy dog.", TextOf(answer));
        Assert.Equal(StopReason.EndTurn, answer.StopReason!.Value());
        Assert.Equal((5, 10), (answer.Usage.InputTokens, answer.Usage.OutputTokens));
        Assert.StartsWith("msg_", answer.ID);
        Assert.Equal(["system", "user"], ((ChatPrompt)gateway.Backend.Requests.Single().Prompt).Messages.Select(message => message.Role));
    }

    [Fact]
    public async Task A_stream_has_the_text_the_reason_and_the_usage()
    {
        await using TestGateway gateway = await StartAsync();
        using AnthropicClient client = Client(gateway);
        var text = new StringBuilder();
        var kinds = new List<string>();
        await foreach (RawMessageStreamEvent item in client.Messages.CreateStreaming(Ask(), TestContext.Current.CancellationToken))
        {
            item.Validate();
            kinds.Add(item.Json.GetProperty("type").GetString()!);
            if (item.TryPickContentBlockDelta(out RawContentBlockDeltaEvent? delta) && delta.Delta.TryPickText(out TextDelta? piece))
                text.Append(piece.Text);
            if (item.TryPickDelta(out RawMessageDeltaEvent? end))
                Assert.Equal((StopReason.EndTurn, 10), (end.Delta.StopReason!.Value(), end.Usage.OutputTokens));
        }

        Assert.Equal("The quick brown fox jumps over the lazy dog.", text.ToString());
        Assert.Equal("message_start", kinds[0]);
        Assert.Equal("message_stop", kinds[^1]);
        Assert.Contains("message_delta", kinds);
    }

    [Fact]
    public async Task Stop_sequences_and_limits_show()
    {
        await using TestGateway gateway = await StartAsync();
        using AnthropicClient client = Client(gateway);
        Message stopped = await client.Messages.Create(Ask() with { StopSequences = [" fox"] }, TestContext.Current.CancellationToken);
        Assert.Equal(("The quick brown", " fox"), (TextOf(stopped), stopped.StopSequence));
        Assert.Equal(StopReason.StopSequence, stopped.StopReason!.Value());
        Message cut = await client.Messages.Create(Ask() with { MaxTokens = 2 }, TestContext.Current.CancellationToken);
        Assert.Equal(StopReason.MaxTokens, cut.StopReason!.Value());
    }

    [Fact]
    public async Task Tokens_are_counted()
    {
        await using TestGateway gateway = await StartAsync();
        using AnthropicClient client = Client(gateway);
        MessageTokensCount count = await client.Messages.CountTokens(
            new MessageCountTokensParams { Model = "tiny", Messages = [new UserMessageParam("Hi")] }, TestContext.Current.CancellationToken);
        Assert.Equal(5, count.InputTokens);
    }

    [Fact]
    public async Task Errors_are_the_clients_own_exceptions()
    {
        await using TestGateway gateway = await StartAsync();
        async Task<AnthropicApiException> FailureAsync(MessageCreateParams asked, string key = TestGateway.OperatorKey)
        {
            using AnthropicClient client = Client(gateway, key);
            return await Assert.ThrowsAnyAsync<AnthropicApiException>(() => client.Messages.Create(asked, TestContext.Current.CancellationToken));
        }

        Assert.IsType<AnthropicUnauthorizedException>(await FailureAsync(Ask(), "wrong"));
        AnthropicApiException noModel = Assert.IsType<AnthropicNotFoundException>(await FailureAsync(Ask("no-such-model")));
        Assert.Contains("not_found_error", noModel.ResponseBody);
        Assert.StartsWith("req_", noModel.RequestID);
        Assert.Equal(HttpStatusCode.TooManyRequests, (await FailureAsync(Ask("acme/big-1"))).StatusCode);
    }

    [Fact]
    public async Task A_stream_that_fails_in_the_middle_throws()
    {
        await using TestGateway gateway = await StartAsync();
        using AnthropicClient client = Client(gateway);
        await Assert.ThrowsAnyAsync<AnthropicException>(async () =>
        {
            await foreach (RawMessageStreamEvent item in client.Messages.CreateStreaming(Ask("acme/big-1"), TestContext.Current.CancellationToken))
                Assert.False(item.TryPickStop(out _));
        });
    }

    [Fact]
    public async Task Models_are_listed_and_described()
    {
        await using TestGateway gateway = await StartAsync();
        using AnthropicClient client = Client(gateway);
        var page = await client.Models.List(cancellationToken: TestContext.Current.CancellationToken);
        Assert.Equal(["acme/big-1", "tiny"], page.Items.Select(model => model.ID));
        Assert.Equal(2048, (await client.Models.Retrieve("tiny", cancellationToken: TestContext.Current.CancellationToken)).MaxInputTokens);
    }

    [Fact]
    public async Task A_batch_runs_and_its_results_are_read()
    {
        await using TestGateway gateway = await StartAsync();
        using AnthropicClient client = Client(gateway);
        CancellationToken token = TestContext.Current.CancellationToken;
        Params Asked(string model) => new() { Model = model, MaxTokens = 32, Messages = [new UserMessageParam("Say something.")] };
        MessageBatch batch = await client.Messages.Batches.Create(
            new BatchCreateParams { Requests = [new Request { CustomID = "a", Params = Asked("tiny") }, new Request { CustomID = "b", Params = Asked("no-such") }] }, token);
        Assert.Equal(2, batch.RequestCounts.Processing);
        await Eventually.TrueAsync(async () =>
            (batch = await client.Messages.Batches.Retrieve(batch.ID, cancellationToken: token)).ProcessingStatus.Value() == ProcessingStatus.Ended);
        Assert.Equal((1, 1), (batch.RequestCounts.Succeeded, batch.RequestCounts.Errored));
        var results = new Dictionary<string, MessageBatchResult>();
        await foreach (MessageBatchIndividualResponse line in client.Messages.Batches.ResultsStreaming(batch.ID, cancellationToken: token))
            results[line.CustomID] = line.Result;
        Assert.True(results["a"].TryPickSucceeded(out MessageBatchSucceededResult? good));
        Assert.Equal("The quick brown fox jumps over the lazy dog.", TextOf(good.Message));
        Assert.True(results["b"].TryPickErrored(out _));
        Assert.Equal(batch.ID, (await client.Messages.Batches.List(cancellationToken: token)).Items.Single().ID);
        Assert.Equal(batch.ID, (await client.Messages.Batches.Delete(batch.ID, cancellationToken: token)).ID);
    }
}
