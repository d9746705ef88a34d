#pragma warning disable OPENAI001 // The client marks seeds as experimental.
using System.ClientModel;
using System.ClientModel.Primitives;
using System.Text;
using Formation.Inference.Gateway.Tests.Fakes;
using OpenAI;
using OpenAI.Chat;
using OpenAI.Embeddings;
using OpenAI.Models;

namespace Formation.Inference.Gateway.Tests.Clients;

/// <summary>OpenAI's official client for .NET against the gateway over a real port.</summary>
public class OpenAIDotNetClientTests
{
    static OpenAIClient Client(TestGateway gateway, string key = TestGateway.OperatorKey) => new(
        new ApiKeyCredential(key),
        new OpenAIClientOptions { Endpoint = new Uri(gateway.Url, "/v1"), RetryPolicy = new ClientRetryPolicy(maxRetries: 0) });

    static UserChatMessage Question => new("Say something.");

    static async Task<TestGateway> StartAsync()
    {
        TestGateway gateway = await TestGateway.StartAsync(realClock: true);
        gateway.Backend.Script = ObedientModel.Script;
        return gateway;
    }

    [Fact]
    public async Task Embeddings_arrive_as_the_values_that_were_computed()
    {
        await using TestGateway gateway = await StartAsync();
        EmbeddingClient client = Client(gateway).GetEmbeddingClient("tiny");
        OpenAIEmbeddingCollection answer = await client.GenerateEmbeddingsAsync(["One", "Two"], new EmbeddingGenerationOptions { EndUserId = "u" });
        Assert.Equal([0, 1], answer.Select(each => each.Index));
        Assert.All(answer, each => Assert.Equal([0.5f, -1.25f, 3f], each.ToFloats().ToArray()));
        Assert.Equal((10, 10), (answer.Usage.InputTokenCount, answer.Usage.TotalTokenCount));
        OpenAIEmbeddingCollection tokens = await client.GenerateEmbeddingsAsync([new[] { 1, 2 }], new EmbeddingGenerationOptions { Dimensions = 2 });
        Assert.Equal([0.5f, -1.25f], tokens[0].ToFloats().ToArray());
    }

    [Fact]
    public async Task Chat_answers_with_text_reason_and_usage()
    {
        await using TestGateway gateway = await StartAsync();
        ChatCompletion answer = await Client(gateway).GetChatClient("tiny").CompleteChatAsync([new SystemChatMessage("Be brief."), Question]);
        Assert.Equal("The quick brown fox jumps over the lazy dog.", answer.Content[0].Text);
        Assert.Equal(ChatMessageRole.Assistant, answer.Role);
        Assert.Equal(ChatFinishReason.Stop, answer.FinishReason);
        Assert.Equal(5, answer.Usage.InputTokenCount);
        Assert.Equal(10, answer.Usage.OutputTokenCount);
        Assert.StartsWith("chatcmpl-", answer.Id);
    }

    [Fact]
    public async Task Chat_streams_with_usage_at_the_end()
    {
        await using TestGateway gateway = await StartAsync();
        var text = new StringBuilder();
        ChatFinishReason? reason = null;
        int? output = null;
        await foreach (StreamingChatCompletionUpdate update in Client(gateway).GetChatClient("tiny").CompleteChatStreamingAsync([Question]))
        {
            foreach (ChatMessageContentPart part in update.ContentUpdate)
                text.Append(part.Text);
            reason ??= update.FinishReason;
            output = update.Usage?.OutputTokenCount ?? output;
        }

        Assert.Equal("The quick brown fox jumps over the lazy dog.", text.ToString());
        Assert.Equal(ChatFinishReason.Stop, reason);
        Assert.Equal(10, output);
    }

    [Fact]
    public async Task Options_reach_the_backend_and_stops_and_limits_show()
    {
        await using TestGateway gateway = await StartAsync();
        var options = new ChatCompletionOptions
        {
            Temperature = 0.5f,
            TopP = 0.25f,
            Seed = 42,
            MaxOutputTokenCount = 6,
            FrequencyPenalty = 1,
            PresencePenalty = -1,
            StopSequences = { " fox" },
            LogitBiases = { [7] = -100 },
            EndUserId = "user-1",
        };
        ChatCompletion answer = await Client(gateway).GetChatClient("tiny").CompleteChatAsync([Question], options);
        Assert.Equal("The quick brown", answer.Content[0].Text);

        GenerationRequest request = gateway.Backend.Requests.Single();
        Assert.Equal(0.5f, request.Sampling.Temperature);
        Assert.Equal(0.25f, request.Sampling.TopP);
        Assert.Equal(42, request.Sampling.Seed);
        Assert.Equal(1, request.Sampling.FrequencyPenalty);
        Assert.Equal(-1, request.Sampling.PresencePenalty);
        Assert.Equal(-100, request.Sampling.LogitBias![7]);
        Assert.Equal(6, request.Stop.MaxTokens);

        options.StopSequences.Clear();
        answer = await Client(gateway).GetChatClient("tiny").CompleteChatAsync([Question], options);
        Assert.Equal(ChatFinishReason.Length, answer.FinishReason);
    }

    [Fact]
    public async Task Log_probabilities_are_understood()
    {
        await using TestGateway gateway = await StartAsync();
        var options = new ChatCompletionOptions { IncludeLogProbabilities = true, TopLogProbabilityCount = 2 };
        ChatCompletion answer = await Client(gateway).GetChatClient("tiny").CompleteChatAsync([Question], options);
        Assert.Equal(10, answer.ContentTokenLogProbabilities.Count);
        ChatTokenLogProbabilityDetails token = answer.ContentTokenLogProbabilities[1];
        Assert.Equal(" quick", token.Token);
        Assert.Equal(-0.5f, token.LogProbability);
        Assert.Equal(" quick"u8.ToArray(), token.Utf8Bytes!.Value.ToArray());
        Assert.Equal(2, token.TopLogProbabilities.Count);
    }

    [Fact]
    public async Task Errors_are_client_result_exceptions_with_their_status()
    {
        await using TestGateway gateway = await StartAsync();
        async Task<ClientResultException> FailureAsync(OpenAIClient client, string model, float temperature = 1) =>
            await Assert.ThrowsAsync<ClientResultException>(() => client.GetChatClient(model).CompleteChatAsync(
                [Question], new ChatCompletionOptions { Temperature = temperature }));

        ClientResultException wrongKey = await FailureAsync(Client(gateway, "wrong"), "tiny");
        Assert.Equal(401, wrongKey.Status);
        Assert.Contains("invalid_api_key", wrongKey.Message);
        ClientResultException noModel = await FailureAsync(Client(gateway), "no-such-model");
        Assert.Equal(404, noModel.Status);
        Assert.Contains("model_not_found", noModel.Message);
        ClientResultException badValue = await FailureAsync(Client(gateway), "tiny", temperature: 9);
        Assert.Equal(400, badValue.Status);
        Assert.Contains("temperature", badValue.Message);
        Assert.Equal(429, (await FailureAsync(Client(gateway), "acme/big-1")).Status);
    }

    [Fact]
    public async Task A_stream_that_fails_in_the_middle_is_not_taken_for_complete()
    {
        await using TestGateway gateway = await StartAsync();
        ChatFinishReason? reason = null;
        Exception? failure = await Record.ExceptionAsync(async () =>
        {
            await foreach (StreamingChatCompletionUpdate update in
                Client(gateway).GetChatClient("acme/big-1").CompleteChatStreamingAsync([Question]))
                reason ??= update.FinishReason;
        });

        // This client does not know error events; either it throws or the answer has no reason why it ended.
        Assert.True(failure is not null || reason is null);
    }

    [Fact]
    public async Task Models_are_listed_and_described()
    {
        await using TestGateway gateway = await StartAsync();
        OpenAIModelClient models = Client(gateway).GetOpenAIModelClient();
        OpenAIModelCollection list = await models.GetModelsAsync();
        Assert.Equal(["acme/big-1", "tiny"], list.Select(model => model.Id));
        OpenAIModel model = await models.GetModelAsync("acme/big-1");
        Assert.Equal("acme", model.OwnedBy);
        Assert.Equal(FakeCatalog.Written, model.CreatedAt);
    }
}
