using Formation.Inference.Cli.Client;
using Formation.Inference.Cli.Tests.Fakes;

namespace Formation.Inference.Cli.Tests.Inference;

public sealed class AuthCommandTests
{
    [Fact]
    public async Task A_valid_key_is_saved_and_used_by_the_next_command()
    {
        await using var server = await ScriptedServer.StartAsync();
        using var user = new CommandRun();

        Assert.Equal(ExitCode.Done, await user.RunAsync("inference", "auth", "--key", ScriptedServer.Key, "--url", server.Url));
        Assert.Equal(ScriptedServer.Key, SavedCredentials.Load(user.Folders)!.Key);

        Assert.Equal(ExitCode.Done, await user.RunAsync("models", "list"));
        Assert.Matches("formation-llm +ready +2,048 +7.3 M", user.Out);
    }

    [Fact]
    public async Task A_wrong_key_is_not_saved_and_not_shown()
    {
        await using var server = await ScriptedServer.StartAsync();
        using var user = new CommandRun();

        Assert.Equal(ExitCode.NotAuthorised, await user.RunAsync("inference", "auth", "--key", "wrong-key", "--url", server.Url));
        Assert.Null(SavedCredentials.Load(user.Folders));
        Assert.DoesNotContain("wrong-key", user.Out + user.Error);
    }

    [Fact]
    public async Task A_saved_key_is_not_sent_to_another_server()
    {
        await using var server = await ScriptedServer.StartAsync();
        using var user = new CommandRun();
        new SavedCredentials("http://127.0.0.1:1", ScriptedServer.Key).Save(user.Folders);

        Assert.Equal(ExitCode.NotAuthorised, await user.RunAsync("inference", "chat", "hello", "--url", server.Url));
    }
}
