using System.Text;
using Formation.Inference.Accounts.Keys;

namespace Formation.Inference.Accounts.Tests.Keys;

public sealed class ApiKeyStoreOnSqliteTests : ApiKeyStoreConformance
{
    [Fact]
    public async Task A_key_is_in_no_file_and_in_no_string_form()
    {
        using KeyDirectory directory = Create();
        NewApiKey key = (await directory.Open().EnsureAdministratorKeyAsync())!;
        string secret = key.Plaintext.Value[19..];
        foreach (string file in Directory.GetFiles(directory.Path))
            Assert.DoesNotContain(secret, Encoding.Latin1.GetString(File.ReadAllBytes(file)));
        Assert.DoesNotContain(secret, key.ToString());
    }

    [Fact]
    public async Task The_files_are_the_owners_alone()
    {
        using KeyDirectory directory = Create();
        await directory.Open().EnsureAdministratorKeyAsync();
        const UnixFileMode Owner = UnixFileMode.UserRead | UnixFileMode.UserWrite;
        Assert.Equal(Owner | UnixFileMode.UserExecute, File.GetUnixFileMode(directory.Path));
        foreach (string file in Directory.GetFiles(directory.Path))
            Assert.Equal(Owner, File.GetUnixFileMode(file));
    }

    internal override KeyDirectory Create() => new();
}
