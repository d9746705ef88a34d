using System.ClientModel;
using System.ClientModel.Primitives;
using Microsoft.Extensions.AI;
using OpenAI;

namespace Formation.Inference.EndToEnd.Tests;

/// <summary>Microsoft.Extensions.AI over OpenAI's client, as .NET applications use it, against a real server.</summary>
public sealed class MicrosoftExtensionsAITests(TinyModelServer fixture) : IClassFixture<TinyModelServer>
{
    private static readonly ChatOptions Greedy = new() { Temperature = 0, MaxOutputTokens = 24 };

    private OpenAIClient Client => new(
        new ApiKeyCredential(TinyModelServer.Key),
        new OpenAIClientOptions { Endpoint = new Uri(fixture.Server.Url + "/v1"), RetryPolicy = new ClientRetryPolicy(0) });

    [Fact]
    public async Task A_streamed_answer_equals_the_whole_one()
    {
        using var chat = Client.GetChatClient(TinyModelServer.Roomy).AsIChatClient();
        var whole = await chat.GetResponseAsync("hello", Greedy, TestContext.Current.CancellationToken);
        var streamed = await chat.GetStreamingResponseAsync("hello", Greedy, TestContext.Current.CancellationToken)
            .ToChatResponseAsync(TestContext.Current.CancellationToken);

        Assert.NotEqual("", whole.Text);
        Assert.Equal(whole.Text, streamed.Text);
        Assert.Equal(whole.FinishReason, streamed.FinishReason);
        Assert.True(whole.Usage!.InputTokenCount > 0);
        Assert.Equal(
            (whole.Usage.InputTokenCount, whole.Usage.OutputTokenCount), (streamed.Usage!.InputTokenCount, streamed.Usage.OutputTokenCount));
    }

    [Fact]
    public async Task A_function_is_called_and_its_result_is_gone_on_with_streamed_or_not()
    {
        var calls = new List<bool>();
        var weather = AIFunctionFactory.Create(
            (bool tomorrow) =>
            {
                calls.Add(tomorrow);
                return "It rains.";
            },
            "weather", "Tells the weather.");
        using var chat = Client.GetChatClient(TinyModelServer.Roomy).AsIChatClient().AsBuilder().UseFunctionInvocation().Build();
        var options = new ChatOptions { Temperature = 0, MaxOutputTokens = 100, Tools = [weather], ToolMode = ChatToolMode.RequireAny, AllowMultipleToolCalls = false };
        var whole = await chat.GetResponseAsync("What is the weather?", options, TestContext.Current.CancellationToken);
        var streamed = await chat.GetStreamingResponseAsync("What is the weather?", options, TestContext.Current.CancellationToken)
            .ToChatResponseAsync(TestContext.Current.CancellationToken);

        Assert.Equal(2, calls.Count);
        Assert.Equal(calls[0], calls[1]);
        Assert.Equal([ChatRole.Assistant, ChatRole.Tool, ChatRole.Assistant], whole.Messages.Select(message => message.Role));
        var result = Assert.Single(whole.Messages[1].Contents.OfType<FunctionResultContent>());
        Assert.Contains("It rains.", result.Result!.ToString());
        Assert.NotEqual("", whole.Text);
        Assert.Equal(whole.Text, streamed.Text);
    }

    [Fact]
    public async Task Vectors_do_not_depend_on_what_stands_beside_a_text()
    {
        using var vectors = Client.GetEmbeddingClient("tiny").AsIEmbeddingGenerator();
        var together = await vectors.GenerateAsync(["a text", "another one"], cancellationToken: TestContext.Current.CancellationToken);
        var alone = await vectors.GenerateAsync(["another one"], cancellationToken: TestContext.Current.CancellationToken);
        Assert.Equal(alone[0].Vector.ToArray(), together[1].Vector.ToArray());
        Assert.NotEqual(together[0].Vector.ToArray(), together[1].Vector.ToArray());
        Assert.True(together.Usage!.InputTokenCount > alone.Usage!.InputTokenCount);
    }
}
