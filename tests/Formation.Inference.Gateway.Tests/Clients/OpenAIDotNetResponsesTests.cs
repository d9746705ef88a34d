#pragma warning disable OPENAI001 // The client marks the Responses API as experimental.
using System.ClientModel;
using System.ClientModel.Primitives;
using System.Text;
using Formation.Inference.Gateway.Tests.Fakes;
using OpenAI.Responses;

namespace Formation.Inference.Gateway.Tests.Clients;

/// <summary>The Responses API of OpenAI's official client for .NET against the gateway over a real port.</summary>
public class OpenAIDotNetResponsesTests
{
    const string Said = "The quick brown fox jumps over the lazy dog.";
    static readonly BinaryData City = BinaryData.FromString("""{"type":"object","properties":{"city":{"enum":["Paris"]}},"required":["city"],"additionalProperties":false}""");

    static ResponsesClient Client(TestGateway gateway) => new(
        new ApiKeyCredential(TestGateway.OperatorKey),
        new ResponsesClientOptions { Endpoint = new Uri(gateway.Url, "/v1"), RetryPolicy = new ClientRetryPolicy(maxRetries: 0) });

    static CreateResponseOptions Ask(params ResponseItem[] items) => new("tiny", items.Length > 0 ? items : [ResponseItem.CreateUserMessageItem("Say something.")]);

    static async Task<TestGateway> StartAsync()
    {
        TestGateway gateway = await TestGateway.StartAsync(realClock: true);
        gateway.Backend.Script = ObedientModel.Script;
        return gateway;
    }

    [Fact]
    public async Task A_response_has_text_status_and_usage()
    {
        await using TestGateway gateway = await StartAsync();
        CreateResponseOptions options = Ask();
        options.Instructions = "Be brief.";
        options.Temperature = 0.5f;
        options.Metadata.Add("a", "b");
        ResponseResult answer = await Client(gateway).CreateResponseAsync(options);
        Assert.Equal(Said, answer.GetOutputText());
        Assert.Equal(ResponseStatus.Completed, answer.Status);
        Assert.Equal((5, 10, 15), (answer.Usage.InputTokenCount, answer.Usage.OutputTokenCount, answer.Usage.TotalTokenCount));
        Assert.Equal("tiny", answer.Model);
        Assert.Equal("b", answer.Metadata["a"]);
        Assert.Equal(0.5f, answer.Temperature);

        options.MaxOutputTokenCount = 3;
        ResponseResult cut = await Client(gateway).CreateResponseAsync(options);
        Assert.Equal(ResponseStatus.Incomplete, cut.Status);
        Assert.Equal(ResponseIncompleteStatusReason.MaxOutputTokens, cut.IncompleteStatusDetails.Reason);
    }

    [Fact]
    public async Task A_stream_tells_the_same_text_and_ends_with_the_whole()
    {
        await using TestGateway gateway = await StartAsync();
        CreateResponseOptions options = Ask();
        options.StreamingEnabled = true;
        var text = new StringBuilder();
        ResponseResult? whole = null;
        int number = 0;
        await foreach (StreamingResponseUpdate update in await Client(gateway).CreateResponseStreamingAsync(options))
        {
            Assert.Equal(number++, update.SequenceNumber);
            if (update is StreamingResponseOutputTextDeltaUpdate delta)
                text.Append(delta.Delta);
            if (update is StreamingResponseCompletedUpdate completed)
                whole = completed.Response;
        }

        Assert.Equal(Said, text.ToString());
        Assert.Equal(Said, whole!.GetOutputText());
    }

    [Fact]
    public async Task Functions_are_called_and_their_results_fed_back()
    {
        await using TestGateway gateway = await StartAsync();
        CreateResponseOptions options = Ask();
        options.Tools.Add(ResponseTool.CreateFunctionTool("weather", City, strictModeEnabled: true));
        options.ToolChoice = ResponseToolChoice.CreateRequiredChoice();
        ResponseResult first = await Client(gateway).CreateResponseAsync(options);
        FunctionCallResponseItem call = Assert.Single(first.OutputItems.OfType<FunctionCallResponseItem>());
        Assert.Equal(("weather", """{"city":"Paris"}"""), (call.FunctionName, call.FunctionArguments.ToString()));

        CreateResponseOptions next = Ask(ResponseItem.CreateFunctionCallOutputItem(call.CallId, "Sunny."));
        next.PreviousResponseId = first.Id;
        ResponseResult second = await Client(gateway).CreateResponseAsync(next);
        Assert.Equal(Said, second.GetOutputText());
        Assert.Equal(["user", "assistant", "tool"], ((ChatPrompt)gateway.Backend.Requests.Last().Prompt).Messages.Select(message => message.Role));

        // The same with all items sent again.
        CreateResponseOptions again = Ask([ResponseItem.CreateUserMessageItem("Say something."), .. first.OutputItems, ResponseItem.CreateFunctionCallOutputItem(call.CallId, "Sunny.")]);
        await Client(gateway).CreateResponseAsync(again);
        Assert.Equal(["user", "assistant", "tool"], ((ChatPrompt)gateway.Backend.Requests.Last().Prompt).Messages.Select(message => message.Role));
    }

    [Fact]
    public async Task A_schema_holds_the_text()
    {
        await using TestGateway gateway = await StartAsync();
        CreateResponseOptions options = Ask();
        options.TextOptions = new ResponseTextOptions { TextFormat = ResponseTextFormat.CreateJsonSchemaFormat("place", City, jsonSchemaIsStrict: true) };
        ResponseResult answer = await Client(gateway).CreateResponseAsync(options);
        Assert.Equal("""{"city":"Paris"}""", answer.GetOutputText());
    }

    [Fact]
    public async Task A_kept_response_is_given_again_listed_and_deleted()
    {
        await using TestGateway gateway = await StartAsync();
        ResponsesClient client = Client(gateway);
        ResponseResult made = await client.CreateResponseAsync(Ask(ResponseItem.CreateUserMessageItem("One."), ResponseItem.CreateUserMessageItem("Two.")));
        ResponseResult again = await client.GetResponseAsync(made.Id);
        Assert.Equal(Said, again.GetOutputText());
        var items = new List<string>();
        await foreach (ResponseItem item in client.GetResponseInputItemsAsync(made.Id))
            items.Add(((MessageResponseItem)item).Content[0].Text);
        Assert.Equal(["Two.", "One."], items);
        ResponseDeletionResult deleted = await client.DeleteResponseAsync(made.Id);
        Assert.True(deleted.Deleted);
        ClientResultException gone = await Assert.ThrowsAsync<ClientResultException>(() => client.GetResponseAsync(made.Id));
        Assert.Equal(404, gone.Status);
    }

    [Fact]
    public async Task A_response_in_the_background_is_asked_for_followed_and_cancelled()
    {
        await using TestGateway gateway = await StartAsync();
        ResponsesClient client = Client(gateway);
        CreateResponseOptions options = Ask();
        options.BackgroundModeEnabled = true;
        ResponseResult response = await client.CreateResponseAsync(options);
        Assert.Equal(ResponseStatus.Queued, response.Status);
        Assert.True(response.BackgroundModeEnabled);
        while (response.Status is ResponseStatus.Queued or ResponseStatus.InProgress)
            response = await client.GetResponseAsync(response.Id);
        Assert.Equal(Said, response.GetOutputText());
        ResponseResult ended = await client.CancelResponseAsync(response.Id);
        Assert.Equal(ResponseStatus.Completed, ended.Status);

        options.StreamingEnabled = true;
        string id = "";
        await foreach (StreamingResponseUpdate update in await client.CreateResponseStreamingAsync(options))
        {
            id = update is StreamingResponseCreatedUpdate created ? created.Response.Id : id;
            if (update is StreamingResponseQueuedUpdate)
                break;
        }

        var text = new StringBuilder();
        await foreach (StreamingResponseUpdate update in await client.GetResponseStreamingAsync(new GetResponseOptions(id) { StartingAfter = 1, StreamingEnabled = true }))
            if (update is StreamingResponseOutputTextDeltaUpdate delta)
                text.Append(delta.Delta);
        Assert.Equal(Said, text.ToString());
    }
}
