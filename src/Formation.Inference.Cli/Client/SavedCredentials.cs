using System.Text.Json;
using System.Text.Json.Serialization;
using Formation.Inference.Cluster.Identity;

namespace Formation.Inference.Cli.Client;

/// <summary>The server and key that <c>form inference auth</c>, or a server's first start, saved for this user.</summary>
/// <param name="Url">The server's address.</param>
/// <param name="Key">The API key.</param>
public sealed record SavedCredentials(string Url, string Key)
{
    /// <summary>The file in the user's configuration folder.</summary>
    public static string PathIn(UserFolders folders) => Path.Combine(folders.Configuration, "credentials.json");

    /// <summary>What was saved, or null where nothing was.</summary>
    /// <exception cref="CommandException">The file can't be read or is damaged.</exception>
    public static SavedCredentials? Load(UserFolders folders)
    {
        var path = PathIn(folders);
        try
        {
            return File.Exists(path)
                ? JsonSerializer.Deserialize(File.ReadAllText(path), CredentialsJson.Default.SavedCredentials)
                : null;
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException or JsonException)
        {
            throw new CommandException(
                ExitCode.Failed, $"The saved key in {path} can't be read; delete the file and run 'form inference auth --key KEY' again.");
        }
    }

    /// <summary>Writes the file with mode 600, so that a reader never sees half of it and no other user ever sees it.</summary>
    /// <exception cref="CommandException">The file can't be written.</exception>
    public void Save(UserFolders folders)
    {
        var path = PathIn(folders);
        try
        {
            PrivateFolder.Create(folders.Configuration);
            WholeFile.Write(path, JsonSerializer.SerializeToUtf8Bytes(this, CredentialsJson.Default.SavedCredentials), WholeFile.OwnerOnly);
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            throw new CommandException(ExitCode.Failed, $"The key can't be saved in {path}: {error.Message}");
        }
    }

    public override string ToString() => $"{Url} (key not shown)";
}

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase, WriteIndented = true)]
[JsonSerializable(typeof(SavedCredentials))]
sealed partial class CredentialsJson : JsonSerializerContext;
