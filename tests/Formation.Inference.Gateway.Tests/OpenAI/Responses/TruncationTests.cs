using System.Text.Json;
using Formation.Inference.Gateway.Tests.Fakes;

namespace Formation.Inference.Gateway.Tests.OpenAI.Responses;

public class TruncationTests
{
    const string Path = "/v1/responses";

    /// <summary>A backend whose prompts have 500 tokens for each message; the model's context is 2048.</summary>
    static async Task<TestGateway> StartAsync()
    {
        TestGateway gateway = await TestGateway.StartAsync();
        gateway.Backend.Script = (request, token) =>
        {
            int tokens = 500 * ((ChatPrompt)request.Prompt).Messages.Count;
            return request.Choices == 0 && tokens <= 4096 ? Scripts.Events(new GenerationStarted(tokens))(request, token)
                : tokens >= 2048 ? Scripts.Events(Scripts.Failure(GenerationErrorKind.ContextLengthExceeded, nameof(GenerationRequest.Prompt)))(request, token)
                : Scripts.Words("Done")(request, token);
        };
        return gateway;
    }

    static string Input(params string[] messages) =>
        "[" + string.Join(',', messages.Select(each => each.Split(' ')).Select(each => $$"""{"role":"{{each[0]}}","content":"{{each[1]}}"}""")) + "]";

    static string[] Asked(TestGateway gateway) =>
        [.. ((ChatPrompt)gateway.Backend.Requests.Last().Prompt).Messages.Select(message => $"{message.Role} {message.Content?.Value}")];

    [Theory]
    [InlineData("user 1,assistant 2,user 3", "system S,user 1,assistant 2,user 3")]
    [InlineData("user 1,assistant 2,user 3,assistant 4,user 5", "system S,user 3,assistant 4,user 5")]
    [InlineData("user 1,user 2,user 3,user 4,user 5,user 6,user 7,user 8,user 9,user 10", "system S,user 8,user 9,user 10")]
    [InlineData("developer D,user 1,assistant 2,user 3,assistant 4,user 5", "system S,developer D,user 5")]
    public async Task The_oldest_turns_are_left_out_until_the_rest_fits(string given, string left)
    {
        await using TestGateway gateway = await StartAsync();
        JsonElement answer = await gateway.PostForJsonAsync(
            Path, TestGateway.Respond(""","instructions":"S","truncation":"auto" """, Input(given.Split(','))));
        Assert.Equal("auto", answer.GetProperty("truncation").GetString());
        Assert.Equal(left.Split(','), Asked(gateway));
    }

    [Fact]
    public async Task Room_for_the_answer_counts()
    {
        await using TestGateway gateway = await StartAsync();
        await gateway.PostForJsonAsync(
            Path, TestGateway.Respond(""","truncation":"auto","max_output_tokens":1000""", Input("user 1", "assistant 2", "user 3", "assistant 4", "user 5")));
        Assert.Equal(["user 5"], Asked(gateway));
    }

    [Fact]
    public async Task What_was_left_out_is_kept_and_earlier_responses_are_left_out_too()
    {
        await using TestGateway gateway = await StartAsync();
        string id = (await gateway.PostForJsonAsync(
            Path, TestGateway.Respond(""","truncation":"auto" """, Input("user 1", "assistant 2", "user 3", "assistant 4", "user 5")))).GetProperty("id").GetString()!;
        Assert.Equal(["user 3", "assistant 4", "user 5"], Asked(gateway));
        JsonElement items = JsonElement.Parse(await gateway.Client.GetStringAsync($"{Path}/{id}/input_items"));
        Assert.Equal(5, items.GetProperty("data").GetArrayLength());
        await gateway.PostForJsonAsync(Path, TestGateway.Respond($",\"truncation\":\"auto\",\"previous_response_id\":\"{id}\"", "\"6\""));
        Assert.Equal(["user 5", "assistant Done", "user 6"], Asked(gateway));
    }

    [Theory]
    [InlineData("disabled", "user 1,assistant 2,user 3,assistant 4,user 5")]
    [InlineData("auto", "user 1,assistant 2,assistant 3,assistant 4,assistant 5")]
    public async Task What_can_t_be_made_to_fit_is_refused(string truncation, string given)
    {
        await using TestGateway gateway = await StartAsync();
        using HttpResponseMessage refused = await gateway.PostAsync(Path, TestGateway.Respond($",\"truncation\":\"{truncation}\"", Input(given.Split(','))));
        Assert.Equal("input", (await ErrorAssert.IsErrorAsync(refused, 400, "context_length_exceeded")).GetProperty("param").GetString());
    }
}
