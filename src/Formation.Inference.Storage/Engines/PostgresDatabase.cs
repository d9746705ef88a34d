using System.Data.Common;
using Npgsql;

namespace Formation.Inference.Storage.Engines;

/// <summary>
/// A database of a PostgreSQL server, for several gateways. The tables lie in a schema <c>formation</c>, which is made where it is missing.
/// </summary>
public sealed class PostgresDatabase : Database
{
    /// <summary>Where the tables are.</summary>
    public const string SchemaName = "formation";

    private const string Channel = "formation_changes";

    private static readonly TimeSpan Silence = TimeSpan.FromSeconds(10);

    // How often to look for changes that nobody tells of.
    private static readonly TimeSpan LookInterval = TimeSpan.FromSeconds(1);

    // Any number that nobody else locks in the same database: "formatio" in ASCII.
    private const long MigrationLock = 0x666f726d6174696f;

    private readonly NpgsqlDataSource _source;
    private readonly string _place;
    private readonly string _self = Guid.NewGuid().ToString("N");
    private readonly bool _isPooled;

    private PostgresDatabase(NpgsqlConnectionStringBuilder settings, bool isPooled)
        : base(new SqlDialect(
            "text COLLATE \"C\"", "bigint", "bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY", "bytea", "",
            "(extract(epoch FROM clock_timestamp()) * 1000)::bigint"))
    {
        _place = $"{settings.Host}:{settings.Port}";
        _isPooled = isPooled;
        var builder = new NpgsqlSlimDataSourceBuilder(settings.ConnectionString);
        builder.EnableTransportSecurity();
        _source = builder.Build();
    }

    /// <summary>Opens a database of a server and makes sure that it answers.</summary>
    /// <param name="connectionString">As <see cref="PostgresSettings"/> reads it.</param>
    /// <exception cref="ArgumentException">The text is no connection string.</exception>
    /// <exception cref="StorageException">
    /// The server can't be reached, or lets nobody in; or something stands between that does not keep what a connection is told.
    /// </exception>
    public static PostgresDatabase Open(string connectionString)
    {
        var (settings, isPooled) = PostgresSettings.Read(connectionString);
        var database = new PostgresDatabase(settings, isPooled);
        try
        {
            if (database.Query("SELECT current_setting('search_path')", row => row.GetString(0)) is not [SchemaName])
                throw database.NotKept(new NotSupportedException("the search path of the connection is another one than it was told"));
            return database;
        }
        catch
        {
            database.Dispose();
            throw;
        }
    }

    internal override string? Beginning => _isPooled ? $"SET LOCAL search_path TO {SchemaName}" : null;

    public override async Task ListenAsync(Action changed, CancellationToken cancellationToken)
    {
        try
        {
            // Through a pooler nobody can listen: the connection is another one from transaction to transaction.
            while (_isPooled)
            {
                await QueryAsync("SELECT 1", row => row.GetInt32(0), cancellationToken);
                changed();
                await Task.Delay(LookInterval, cancellationToken);
            }
            await using var connection = await _source.OpenConnectionAsync(cancellationToken);
            connection.Notification += (_, notification) =>
            {
                if (notification.Payload != _self)
                    changed();
            };
            await using (var listen = new NpgsqlCommand($"LISTEN {Channel}", connection))
                await listen.ExecuteNonQueryAsync(cancellationToken);
            changed();
            await using var probe = new NpgsqlCommand("SELECT 1", connection);
            while (true)
                // Silence is what a lost connection says too.
                if (!await connection.WaitAsync(Silence, cancellationToken))
                    await probe.ExecuteNonQueryAsync(cancellationToken);
        }
        catch (Exception error) when (IsFault(error))
        {
            throw Failure(error);
        }
    }

    public override void Dispose() => _source.Dispose();

    private protected override DbConnection Connect() => _source.OpenConnection();

    private protected override async ValueTask<DbConnection> ConnectAsync(CancellationToken cancellationToken) =>
        await _source.OpenConnectionAsync(cancellationToken);

    private protected override void Reserve(DatabaseTransaction transaction)
    {
        transaction.Execute("SELECT pg_advisory_xact_lock(@lock)", ("@lock", MigrationLock));
        // Asked first: who may use the schema need not have the right to make one.
        if (transaction.Query("SELECT 1 FROM pg_namespace WHERE nspname = @name", row => row.GetInt32(0), ("@name", SchemaName)).Count == 0)
            transaction.Execute($"CREATE SCHEMA {SchemaName}");
    }

    internal override void TellOthers(DatabaseTransaction transaction) =>
        transaction.Execute("SELECT pg_notify(@channel, @self)", ("@channel", Channel), ("@self", _self));

    internal override StorageException Failure(Exception error) => IsUnknownSetting(error)
        ? NotKept(error)
        : error is PostgresException refused
        ? new($"PostgreSQL at {_place} refused: {refused.MessageText} ({refused.SqlState})", error, refused.SqlState == PostgresErrorCodes.UniqueViolation)
        : new($"PostgreSQL at {_place} does not answer: {error.InnerException?.Message ?? error.Message}", error);

    // A pooler has this code for other things as well.
    private static bool IsUnknownSetting(Exception error) =>
        error is PostgresException { SqlState: PostgresErrorCodes.ProtocolViolation } refused && refused.MessageText.Contains("startup parameter", StringComparison.Ordinal);

    private StorageException NotKept(Exception error) => new(
        $"PostgreSQL at {_place} can't be used: what answers there does not keep the settings of a connection ({(error as PostgresException)?.MessageText ?? error.Message}). "
        + $"If it is a pooler, add '{PostgresSettings.Pooler}=true' to the connection string ('pooler=true' in a URI), or name the server itself.", error);
}
