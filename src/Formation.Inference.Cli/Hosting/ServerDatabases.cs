using Formation.Inference.Storage;
using Formation.Inference.Storage.Engines;

namespace Formation.Inference.Cli.Hosting;

/// <summary>Where a server keeps what outlives it: files of its own, or one PostgreSQL that it shares with other gateways.</summary>
sealed class ServerDatabases : IDisposable
{
    private ServerDatabases(Database? accounts, Database? cluster, Database? contents) => (Accounts, Cluster, Contents) = (accounts, cluster, contents);

    /// <summary>Holds the keys; null where every caller is served without one.</summary>
    public Database? Accounts { get; }

    /// <summary>Holds nodes and deployments; null where no node can dial in.</summary>
    public Database? Cluster { get; }

    /// <summary>Holds responses, for those who want to go on with them; null where none are kept.</summary>
    public Database? Contents { get; }

    /// <exception cref="CommandException">One can't be opened; the message says why.</exception>
    public static ServerDatabases Open(ServeSettings settings, TimeProvider time)
    {
        var (needsAccounts, needsCluster, needsContents) = (!settings.WithoutAuthentication, settings.ClusterListen is not null, settings.KeepsContents);
        try
        {
            if (settings.Database is not { } place)
                return new ServerDatabases(
                    needsAccounts ? OpenFile("accounts.db") : null, needsCluster ? OpenFile("cluster.db") : null, needsContents ? OpenFile("contents.db") : null);
            var shared = needsAccounts || needsCluster || needsContents ? PostgresDatabase.Open(place.Value) : null;
            return new ServerDatabases(needsAccounts ? shared : null, needsCluster ? shared : null, needsContents ? shared : null);
        }
        catch (ArgumentException error)
        {
            throw new CommandException(ExitCode.WrongUsage, error.Message);
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException or StorageException)
        {
            throw new CommandException(ExitCode.Failed, $"The database can't be opened: {error.Message}");
        }

        SqliteDatabase OpenFile(string name) => SqliteDatabase.Open(Path.Combine(settings.DataFolder, name), time);
    }

    public void Dispose()
    {
        Accounts?.Dispose();
        Cluster?.Dispose();
        Contents?.Dispose();
    }
}
