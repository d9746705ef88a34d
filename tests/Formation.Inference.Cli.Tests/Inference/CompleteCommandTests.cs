using Formation.Inference.Cli.Tests.Fakes;

namespace Formation.Inference.Cli.Tests.Inference;

public sealed class CompleteCommandTests
{
    [Fact]
    public async Task The_continuation_is_streamed_and_the_prompt_sent_as_it_is()
    {
        await using var server = await ScriptedServer.StartAsync();
        server.Events.AddRange(["""{"choices":[{"index":0,"text":" there","finish_reason":null}]}""", """{"choices":[{"index":0,"text":"","finish_reason":"length"}]}""", "[DONE]"]);
        using var user = new CommandRun { StandardInput = "  Once upon\n" };

        Assert.Equal(ExitCode.Done, await user.RunAsync("inference", "complete", "--url", server.Url, "--key", ScriptedServer.Key, "--echo"));
        Assert.Equal(" there\n", user.Out);
        Assert.Contains("--max-tokens", user.Error);
        Assert.Equal("  Once upon\n", server.Requests[0]["prompt"]!.GetValue<string>());
        Assert.True(server.Requests[0]["echo"]!.GetValue<bool>());
    }
}
