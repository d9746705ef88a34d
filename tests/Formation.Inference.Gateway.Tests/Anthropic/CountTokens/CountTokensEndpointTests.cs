using System.Text.Json;
using Formation.Inference.Gateway.Tests.Fakes;

namespace Formation.Inference.Gateway.Tests.Anthropic.CountTokens;

public class CountTokensEndpointTests
{
    const string Path = "/v1/messages/count_tokens";

    const string Body = """
        {"model":"tiny","messages":[{"role":"user","content":"Hi"},{"role":"assistant","content":"Well"}],"system":"Be brief.",
         "thinking":{"type":"disabled"},"cache_control":{"type":"ephemeral"},"speed":"standard","tools":[{"name":"f","input_schema":{"type":"object"}}]}
        """;

    [Fact]
    public async Task The_prompt_is_counted_and_nothing_is_generated()
    {
        await using TestGateway gateway = await TestGateway.StartAsync();
        gateway.Backend.Script = Scripts.Events(new GenerationStarted(17));
        Assert.Equal("""{"input_tokens":17}""", await gateway.SendAnthropicForTextAsync(Path, Body));
        GenerationRequest asked = Assert.Single(gateway.Backend.Requests);
        Assert.Equal(0, asked.Choices);
        var prompt = (ChatPrompt)asked.Prompt;
        Assert.Equal(["system", "user"], prompt.Messages.Select(message => message.Role));
        Assert.Equal("Well", prompt.AssistantPrefix!.Value.Value);
        Assert.Equal(1, prompt.Tools!.Value.GetArrayLength());
    }

    [Theory]
    [InlineData(GenerationErrorKind.ContextLengthExceeded, 400, "invalid_request_error")]
    [InlineData(GenerationErrorKind.ModelUnavailable, 529, "overloaded_error")]
    public async Task A_failure_is_told_in_the_dialect(GenerationErrorKind kind, int status, string type)
    {
        await using TestGateway gateway = await TestGateway.StartAsync();
        gateway.Backend.Script = Scripts.Events(Scripts.Failure(kind));
        using HttpResponseMessage response = await gateway.SendAnthropicAsync(Path, Body);
        await ErrorAssert.IsAnthropicErrorAsync(response, status, type);
    }

    [Fact]
    public async Task A_backend_that_counts_nothing_is_at_fault()
    {
        await using TestGateway gateway = await TestGateway.StartAsync();
        gateway.Backend.Script = Scripts.Events();
        using HttpResponseMessage response = await gateway.SendAnthropicAsync(Path, Body);
        await ErrorAssert.IsAnthropicErrorAsync(response, 500, "api_error");
    }

    [Fact]
    public async Task An_unknown_model_is_not_found()
    {
        await using TestGateway gateway = await TestGateway.StartAsync();
        using HttpResponseMessage response = await gateway.SendAnthropicAsync(Path, Body.Replace("tiny", "claude-9"));
        await ErrorAssert.IsAnthropicErrorAsync(response, 404, "not_found_error");
    }
}
