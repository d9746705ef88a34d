using System.ClientModel;
using OpenAI;
using OpenAI.Chat;
using OpenAI.Responses;


namespace Formation.Inference.EndToEnd.Tests;

/// <summary>The official OpenAI client for C# against a real server.</summary>
public sealed class OpenAIClientTests(TinyModelServer fixture) : IClassFixture<TinyModelServer>
{
    private ChatClient Chat => Client(TinyModelServer.Key).GetChatClient("tiny");

    [Fact]
    public async Task A_streamed_answer_equals_the_whole_one()
    {
        var options = new ChatCompletionOptions { Temperature = 0, MaxOutputTokenCount = 24 };
        var whole = (await Chat.CompleteChatAsync([new UserChatMessage("hello")], options)).Value;

        var streamed = "";
        ChatTokenUsage? usage = null;
        await foreach (var update in Chat.CompleteChatStreamingAsync([new UserChatMessage("hello")], options))
        {
            streamed += string.Concat(update.ContentUpdate.Select(part => part.Text));
            usage ??= update.Usage;
        }

        Assert.Equal(whole.Content[0].Text, streamed);
        Assert.Equal(whole.Usage.OutputTokenCount, usage!.OutputTokenCount);
        Assert.True(whole.Usage.InputTokenCount > 0);
    }

#pragma warning disable OPENAI001 // The client marks the Responses API as experimental.
    [Fact]
    public async Task A_streamed_response_equals_the_whole_one_and_is_gone_on_with()
    {
        var responses = new ResponsesClient(
            new ApiKeyCredential(TinyModelServer.Key),
            new ResponsesClientOptions { Endpoint = new Uri(fixture.Server.Url + "/v1"), RetryPolicy = new System.ClientModel.Primitives.ClientRetryPolicy(0) });
        var options = new CreateResponseOptions("tiny", [ResponseItem.CreateUserMessageItem("hello")]) { Temperature = 0, MaxOutputTokenCount = 24 };
        var whole = (await responses.CreateResponseAsync(options)).Value;

        options.StreamingEnabled = true;
        var streamed = "";
        await foreach (var update in await responses.CreateResponseStreamingAsync(options))
            streamed += (update as StreamingResponseOutputTextDeltaUpdate)?.Delta;
        Assert.Equal(whole.GetOutputText(), streamed);

        var kept = (await responses.CreateResponseAsync("tiny", "again", whole.Id)).Value;
        var sent = (await responses.CreateResponseAsync(
            "tiny", [ResponseItem.CreateUserMessageItem("hello"), .. whole.OutputItems, ResponseItem.CreateUserMessageItem("again")])).Value;
        Assert.Equal(sent.Usage.InputTokenCount, kept.Usage.InputTokenCount);
    }
#pragma warning restore OPENAI001

    [Fact]
    public async Task A_seed_repeats_the_answer_and_another_seed_changes_it()
    {
#pragma warning disable OPENAI001 // The client marks seeds as experimental.
        async Task<string> Answer(long seed) => (await Chat.CompleteChatAsync(
            [new UserChatMessage("hello")], new ChatCompletionOptions { Temperature = 1, Seed = seed, MaxOutputTokenCount = 24 })).Value.Content[0].Text;
#pragma warning restore OPENAI001

        Assert.Equal(await Answer(1), await Answer(1));
        Assert.NotEqual(await Answer(1), await Answer(2));
    }

    [Fact]
    public async Task Log_probabilities_come_for_every_token()
    {
        var answer = (await Chat.CompleteChatAsync(
            [new UserChatMessage("hello")],
            new ChatCompletionOptions { Temperature = 0, MaxOutputTokenCount = 8, IncludeLogProbabilities = true, TopLogProbabilityCount = 3 })).Value;

        Assert.Equal(answer.Usage.OutputTokenCount, answer.ContentTokenLogProbabilities.Count);
        Assert.All(answer.ContentTokenLogProbabilities, token =>
        {
            Assert.True(token.LogProbability <= 0);
            Assert.Equal(3, token.TopLogProbabilities.Count);
            Assert.Equal(token.LogProbability, token.TopLogProbabilities[0].LogProbability, 5);
        });
    }

    [Fact]
    public async Task A_stop_text_ends_the_answer_and_is_not_part_of_it()
    {
        var options = new ChatCompletionOptions { Temperature = 0, MaxOutputTokenCount = 40 };
        var whole = (await Chat.CompleteChatAsync([new UserChatMessage("hello")], options)).Value.Content[0].Text;
        var stop = whole[10..13];
        options.StopSequences.Add(stop);
        var cut = (await Chat.CompleteChatAsync([new UserChatMessage("hello")], options)).Value;

        Assert.Equal(whole[..whole.IndexOf(stop, StringComparison.Ordinal)], cut.Content[0].Text);
        Assert.Equal(ChatFinishReason.Stop, cut.FinishReason);
    }

    [Fact]
    public async Task A_wrong_key_and_a_wrong_model_are_the_clients_own_exceptions()
    {
        var key = await Assert.ThrowsAsync<ClientResultException>(() => Client("wrong").GetChatClient("tiny").CompleteChatAsync("hello"));
        Assert.Equal(401, key.Status);
        var model = await Assert.ThrowsAsync<ClientResultException>(() => Client(TinyModelServer.Key).GetChatClient("no-such").CompleteChatAsync("hello"));
        Assert.Equal(404, model.Status);
        Assert.Contains("no-such", model.Message);
    }

    [Fact]
    public async Task A_prompt_that_does_not_fit_is_told_with_the_limit()
    {
        var error = await Assert.ThrowsAsync<ClientResultException>(() => Chat.CompleteChatAsync(new UserChatMessage(string.Join(' ', Enumerable.Repeat("word", 2000)))));
        Assert.Equal(400, error.Status);
        Assert.Contains("context_length_exceeded", error.GetRawResponse()!.Content.ToString());
        Assert.Contains("512", error.Message);
    }

    [Fact]
    public async Task Vectors_have_the_length_one_and_do_not_depend_on_what_stands_beside_an_input()
    {
        var embeddings = Client(TinyModelServer.Key).GetEmbeddingClient("tiny");
        string[] texts = [.. Enumerable.Range(0, 40).Select(i => string.Join(' ', Enumerable.Repeat($"text {i}", i % 7 + 1)))];
        var together = (await embeddings.GenerateEmbeddingsAsync(texts)).Value;
        Assert.Equal(Enumerable.Range(0, 40), together.Select(each => each.Index));
        Assert.True(together.Usage.InputTokenCount > 40);
        foreach (var i in (int[])[0, 6, 39])
        {
            var alone = (await embeddings.GenerateEmbeddingAsync(texts[i])).Value.ToFloats().ToArray();
            Assert.Equal(alone, together[i].ToFloats().ToArray());
            Assert.Equal(1, alone.Sum(value => (double)value * value), 5);
            var options = new OpenAI.Embeddings.EmbeddingGenerationOptions { Dimensions = 8 };
            var cut = (await embeddings.GenerateEmbeddingAsync(texts[i], options)).Value.ToFloats().ToArray();
            var length = Math.Sqrt(alone[..8].Sum(value => (double)value * value));
            Assert.Equal(alone[..8].Select(value => Math.Round(value / length, 5)), cut.Select(value => Math.Round(value, 5)));
        }
    }

    [Fact]
    public async Task More_dimensions_than_the_model_has_are_refused_with_the_limit()
    {
        var options = new OpenAI.Embeddings.EmbeddingGenerationOptions { Dimensions = 4096 };
        var error = await Assert.ThrowsAsync<ClientResultException>(
            () => Client(TinyModelServer.Key).GetEmbeddingClient("tiny").GenerateEmbeddingAsync("text", options));
        Assert.Equal(400, error.Status);
        Assert.Contains("256", error.Message);
    }

    [Fact]
    public async Task The_models_are_listed()
    {
        var models = (await Client(TinyModelServer.Key).GetOpenAIModelClient().GetModelsAsync()).Value;
        Assert.Contains(models, model => model.Id == "tiny");
        Assert.Contains(models, model => model.Id == "formation-llm");
    }

    private OpenAIClient Client(string key) =>
        new(new ApiKeyCredential(key), new OpenAIClientOptions { Endpoint = new Uri(fixture.Server.Url + "/v1"), RetryPolicy = new System.ClientModel.Primitives.ClientRetryPolicy(0) });
}
