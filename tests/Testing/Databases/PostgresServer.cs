using Formation.Inference.Storage.Engines;

namespace Formation.Inference.Testing.Databases;

/// <summary>
/// A PostgreSQL of a test assembly's own, in a temporary folder and on a Unix socket there; it starts when the first test asks for it and ends with
/// the tests, in whatever way they end. It forgets what it holds when the machine fails, and is fast for it.
/// </summary>
public sealed class PostgresServer : IDisposable
{
    public const string User = "formation";
    public const string Password = "a password; with 'quotes' = and @ signs";

    private readonly Lock _lock = new();
    private readonly PostgresCertificate? _certificate;
    private PostgresProcess? _process;
    private int _databases;

    public PostgresServer()
    {
    }

    private PostgresServer(PostgresCertificate certificate) => _certificate = certificate;

    /// <summary>A server that also listens on the network, in TLS alone.</summary>
    public static PostgresServer Secured(PostgresCertificate certificate) => new(certificate);

    /// <summary>A new empty database.</summary>
    public PostgresTestDatabase CreateDatabase() => new(ConnectionString(CreateNamed()));

    /// <summary>Stops the server; what it holds stays.</summary>
    public void Stop()
    {
        lock (_lock)
            Running().Stop();
    }

    /// <summary>Starts the server again after a stop.</summary>
    public void StartAgain()
    {
        lock (_lock)
            Running().Start();
    }

    /// <summary>The folder of its socket: the host in a connection string.</summary>
    public string Host => Running().Folder;

    public void Dispose() => _process?.Dispose();

    private PostgresProcess Running()
    {
        lock (_lock)
        {
            if (_process is null)
            {
                _process = new PostgresProcess(User, Password, _certificate);
                _process.Start();
            }
            return _process;
        }
    }

    private string CreateNamed()
    {
        var name = $"test{Interlocked.Increment(ref _databases)}";
        using var server = PostgresDatabase.Open(ConnectionString("postgres"));
        server.Execute($"CREATE DATABASE {name}");
        return name;
    }

    private string ConnectionString(string database) =>
        $"Host={Running().Folder};Port={_certificate?.Port ?? 5432};Username={User};Password=\"{Password}\";Database={database}";
}
