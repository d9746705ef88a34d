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

    // Any number that nobody else locks in the same database: "formatio" in ASCII.
    private const long MigrationLock = 0x666f726d6174696f;

    private readonly NpgsqlDataSource _source;
    private readonly string _place;
    private readonly string _self = Guid.NewGuid().ToString("N");

    private PostgresDatabase(NpgsqlConnectionStringBuilder settings)
        : base(new SqlDialect(
            "text COLLATE \"C\"", "bigint", "bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY", "bytea", "",
            "(extract(epoch FROM clock_timestamp()) * 1000)::bigint"))
    {
        _place = $"{settings.Host}:{settings.Port}";
        var builder = new NpgsqlSlimDataSourceBuilder(settings.ConnectionString);
        builder.EnableTransportSecurity();
        _source = builder.Build();
    }

    /// <summary>Opens a database of a server and makes sure that it answers.</summary>
    /// <param name="connectionString">As <see cref="PostgresSettings"/> reads it.</param>
    /// <exception cref="ArgumentException">The text is no connection string.</exception>
    /// <exception cref="StorageException">The server can't be reached, or lets nobody in.</exception>
    public static PostgresDatabase Open(string connectionString)
    {
        var database = new PostgresDatabase(PostgresSettings.Parse(connectionString));
        try
        {
            database.Execute("SELECT 1");
            return database;
        }
        catch
        {
            database.Dispose();
            throw;
        }
    }

    public override async Task ListenAsync(Action changed, CancellationToken cancellationToken)
    {
        try
        {
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

    internal override StorageException Failure(Exception error) => error is PostgresException refused
        ? new($"PostgreSQL at {_place} refused: {refused.MessageText} ({refused.SqlState})", error, refused.SqlState == PostgresErrorCodes.UniqueViolation)
        : new($"PostgreSQL at {_place} does not answer: {error.InnerException?.Message ?? error.Message}", error);
}
