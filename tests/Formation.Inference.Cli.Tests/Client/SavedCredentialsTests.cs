using Formation.Inference.Cli.Client;
using Formation.Inference.Cli.Tests.Fakes;

namespace Formation.Inference.Cli.Tests.Client;

public sealed class SavedCredentialsTests
{
    [Fact]
    public void The_file_belongs_to_its_owner_alone_and_its_text_form_hides_the_key()
    {
        using var user = new CommandRun();
        var saved = new SavedCredentials("http://127.0.0.1:8080", "secret-key");
        saved.Save(user.Folders);

        Assert.Equal(saved, SavedCredentials.Load(user.Folders));
        Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(SavedCredentials.PathIn(user.Folders)));
        Assert.DoesNotContain("secret-key", saved.ToString());
    }

    [Fact]
    public async Task A_damaged_file_is_told_with_its_path()
    {
        using var user = new CommandRun();
        Directory.CreateDirectory(user.Folders.Configuration);
        File.WriteAllText(SavedCredentials.PathIn(user.Folders), "{ not json");

        Assert.Equal(ExitCode.Failed, await user.RunAsync("inference", "chat", "hello"));
        Assert.Contains(SavedCredentials.PathIn(user.Folders), user.Error);
    }
}
