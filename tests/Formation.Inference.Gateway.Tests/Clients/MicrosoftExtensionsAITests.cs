using System.ClientModel;
using System.ClientModel.Primitives;
using System.ComponentModel;
using System.Text.Json;
using Formation.Inference.Gateway.Tests.Fakes;
using Microsoft.Extensions.AI;
using OpenAI;

namespace Formation.Inference.Gateway.Tests.Clients;

/// <summary>Microsoft.Extensions.AI over OpenAI's client, as .NET applications use it, against the gateway over a real port.</summary>
public class MicrosoftExtensionsAITests
{
    static async Task<TestGateway> StartAsync()
    {
        TestGateway gateway = await TestGateway.StartAsync(realClock: true);
        gateway.Backend.Script = ObedientModel.Script;
        return gateway;
    }

    static IChatClient Client(TestGateway gateway) => new OpenAIClient(
        new ApiKeyCredential(TestGateway.OperatorKey),
        new OpenAIClientOptions { Endpoint = new Uri(gateway.Url, "/v1"), RetryPolicy = new ClientRetryPolicy(maxRetries: 0) })
        .GetChatClient("tiny").AsIChatClient();

    [Fact]
    public async Task A_response_has_text_reason_and_usage()
    {
        await using TestGateway gateway = await StartAsync();
        using IChatClient client = Client(gateway);
        ChatResponse answer = await client.GetResponseAsync("Say something.", cancellationToken: TestContext.Current.CancellationToken);
        Assert.Equal("The quick brown fox jumps over the lazy dog.", answer.Text);
        Assert.Equal(ChatFinishReason.Stop, answer.FinishReason);
        Assert.Equal((5L, 10L), (answer.Usage!.InputTokenCount, answer.Usage.OutputTokenCount));
    }

    [Fact]
    public async Task A_stream_says_the_same()
    {
        await using TestGateway gateway = await StartAsync();
        using IChatClient client = Client(gateway);
        ChatResponse answer = await client.GetStreamingResponseAsync("Say something.", cancellationToken: TestContext.Current.CancellationToken)
            .ToChatResponseAsync(TestContext.Current.CancellationToken);
        Assert.Equal("The quick brown fox jumps over the lazy dog.", answer.Text);
        Assert.Equal(10, answer.Usage!.OutputTokenCount);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Functions_are_called_and_their_results_are_told(bool isStreamed)
    {
        await using TestGateway gateway = await StartAsync();
        string? asked = null;
        AIFunction weather = AIFunctionFactory.Create(
            ([Description("The city.")] string city) =>
            {
                asked = city;
                return "It rains.";
            },
            "weather", "The weather in a city.");
        using IChatClient client = Client(gateway).AsBuilder().UseFunctionInvocation().Build();
        var options = new ChatOptions { Tools = [weather], ToolMode = ChatToolMode.RequireAny };
        CancellationToken cancellationToken = TestContext.Current.CancellationToken;
        ChatResponse answer = isStreamed
            ? await client.GetStreamingResponseAsync("What is the weather?", options, cancellationToken).ToChatResponseAsync(cancellationToken)
            : await client.GetResponseAsync("What is the weather?", options, cancellationToken);

        Assert.Equal("Paris", asked);
        Assert.Equal("The quick brown fox jumps over the lazy dog.", answer.Text);
        GenerationRequest[] requests = [.. gateway.Backend.Requests];
        Assert.Equal(["user", "assistant", "tool"], ((ChatPrompt)requests[1].Prompt).Messages.Select(message => message.Role));
        Assert.Equal("\"It rains.\"", ((ChatPrompt)requests[1].Prompt).Messages[2].Content!.Value.Value);
    }

    [Fact]
    public async Task A_response_of_a_type_is_held_to_its_schema()
    {
        await using TestGateway gateway = await StartAsync();
        using IChatClient client = Client(gateway);
        ChatResponse<Place> answer = await client.GetResponseAsync<Place>(
            "Where?", JsonSerializerOptions.Web, cancellationToken: TestContext.Current.CancellationToken);
        Assert.Equal("Paris", answer.Result.City);
        Assert.Equal(OutputFormatKind.JsonSchema, Assert.Single(gateway.Backend.Requests).Format!.Kind);
    }

    sealed record Place(string City);
}
