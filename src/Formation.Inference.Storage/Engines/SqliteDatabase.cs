using System.Data.Common;
using Microsoft.Data.Sqlite;

namespace Formation.Inference.Storage.Engines;

/// <summary>A file of SQLite's, for one gateway: nothing to install, nothing to start.</summary>
public sealed class SqliteDatabase : Database
{
    private const UnixFileMode OwnerOnly = UnixFileMode.UserRead | UnixFileMode.UserWrite;
    private const int BusySeconds = 5;

    // SQLITE_CONSTRAINT_PRIMARYKEY and SQLITE_CONSTRAINT_UNIQUE.
    private const int DuplicateKey = 1555;
    private const int DuplicateValue = 2067;

    private readonly string _connectionString;
    private readonly string _fileName;
    private readonly TimeProvider _clock;

    private SqliteDatabase(string path, TimeProvider clock)
        : base(new SqlDialect("TEXT", "INTEGER", "INTEGER PRIMARY KEY AUTOINCREMENT", "BLOB", " STRICT", "now()"))
    {
        _fileName = Path.GetFileName(path);
        _clock = clock;
        _connectionString = new SqliteConnectionStringBuilder { DataSource = path, Mode = SqliteOpenMode.ReadWrite, DefaultTimeout = BusySeconds }.ToString();
    }

    /// <summary>Opens a file, making it and its folder where they are missing. Both are the owner's alone.</summary>
    /// <param name="path">The file.</param>
    /// <param name="clock">The clock of <see cref="SqlDialect.Now"/>.</param>
    /// <exception cref="IOException">The folder can't be written.</exception>
    /// <exception cref="UnauthorizedAccessException">The file is another user's.</exception>
    /// <exception cref="StorageException">The file is no database.</exception>
    public static SqliteDatabase Open(string path, TimeProvider clock)
    {
        Directory.CreateDirectory(Path.GetDirectoryName(Path.GetFullPath(path))!, OwnerOnly | UnixFileMode.UserExecute);
        var options = new FileStreamOptions
        {
            Mode = FileMode.OpenOrCreate,
            Access = FileAccess.Write,
            Share = FileShare.ReadWrite,
            UnixCreateMode = OwnerOnly,
        };
        new FileStream(path, options).Dispose();
        File.SetUnixFileMode(path, OwnerOnly);
        var database = new SqliteDatabase(path, clock);
        database.Execute("PRAGMA journal_mode = WAL");
        return database;
    }

    // One process has the file: nobody else changes it.
    public override Task ListenAsync(Action changed, CancellationToken cancellationToken) => Task.Delay(Timeout.Infinite, cancellationToken);

    public override void Dispose()
    {
        using var connection = new SqliteConnection(_connectionString);
        SqliteConnection.ClearPool(connection);
    }

    private protected override DbConnection Connect()
    {
        var connection = new SqliteConnection(_connectionString);
        connection.CreateFunction("now", () => _clock.GetUtcNow().ToUnixTimeMilliseconds());
        connection.Open();
        return connection;
    }

    // A file is read by the thread that asks.
    private protected override ValueTask<DbConnection> ConnectAsync(CancellationToken cancellationToken) => new(Connect());

    // A transaction has the file's only write lock from its beginning on.
    private protected override void Reserve(DatabaseTransaction transaction)
    {
    }

    internal override void TellOthers(DatabaseTransaction transaction)
    {
    }

    internal override StorageException Failure(Exception error) => new(
        $"The database {_fileName} failed: {error.Message}", error, error is SqliteException { SqliteExtendedErrorCode: DuplicateKey or DuplicateValue });
}
