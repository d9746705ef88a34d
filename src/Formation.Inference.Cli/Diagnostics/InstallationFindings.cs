using Formation.Inference.Cli.Arguments;
using Formation.Inference.Cli.Client;
using Formation.Inference.Cli.Hosting;

namespace Formation.Inference.Cli.Diagnostics;

/// <summary>Looks at this user's files, the models, and the server that this user is signed in to.</summary>
static class InstallationFindings
{
    private const long LittleDisk = 1L << 30;

    public static IEnumerable<Finding> OfFiles(UserFolders folders)
    {
        yield return Models(folders);
        yield return Disk(folders.Data);
        yield return SavedKey(folders);
    }

    /// <summary>Whether the server answers, and with this user's key.</summary>
    public static async Task<Finding> OfServerAsync(ServerAddress address, CancellationToken cancellationToken)
    {
        try
        {
            using var client = new ServerClient(address);
            var models = await client.ListModelsAsync(cancellationToken);
            return new Finding("server", FindingState.Good, $"{address.Url} serves {models.Count} models to this key");
        }
        catch (CommandException error) when (error.ExitCode == ExitCode.ServerNotReachable)
        {
            return new Finding("server", FindingState.Advice, $"none at {address.Url}", "Start one with 'form inference serve'.");
        }
        catch (CommandException error)
        {
            return new Finding("server", FindingState.Problem, $"{address.Url} refuses", error.Message.ReplaceLineEndings(" "));
        }
    }

    private static Finding Models(UserFolders folders)
    {
        try
        {
            var registered = RegisteredModels.Load(folders.Data);
            var lost = registered.Paths.Where(model => !File.Exists(model.Value)).Select(model => model.Key).ToArray();
            var count = ModelSources.Find(registered.Paths, null, []).Count;
            if (lost.Length > 0)
                return new Finding(
                    "models", FindingState.Problem, $"{count} known, {lost.Length} without a file",
                    $"Run 'form models remove {lost[0]}' or bring back {registered.Paths[lost[0]]}.");
            return count > 0
                ? new Finding("models", FindingState.Good, $"{count} known")
                : new Finding("models", FindingState.Problem, "none", "Register one with 'form models add ID=PATH'.");
        }
        catch (CommandException error)
        {
            return new Finding("models", FindingState.Problem, "the list can't be read", error.Message);
        }
    }

    private static Finding Disk(string dataFolder)
    {
        var folder = dataFolder;
        while (!Directory.Exists(folder))
            folder = Path.GetDirectoryName(folder)!;
        var free = new DriveInfo(folder).AvailableFreeSpace;
        return free >= LittleDisk
            ? new Finding("disk", FindingState.Good, $"{ByteSize.Format(free)} free at {folder}")
            : new Finding("disk", FindingState.Advice, $"{ByteSize.Format(free)} free at {folder}", "Free some, or give another folder with --data.");
    }

    private static Finding SavedKey(UserFolders folders)
    {
        var path = SavedCredentials.PathIn(folders);
        if (!File.Exists(path))
            return new Finding("saved key", FindingState.Good, "none");
        const UnixFileMode others = UnixFileMode.GroupRead | UnixFileMode.GroupWrite | UnixFileMode.OtherRead | UnixFileMode.OtherWrite;
        return (File.GetUnixFileMode(path) & others) == 0
            ? new Finding("saved key", FindingState.Good, path)
            : new Finding("saved key", FindingState.Problem, $"{path} can be read by other users", $"Run 'chmod 600 {path}', and make a new key if others had access.");
    }
}
