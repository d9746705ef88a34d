using Formation.Inference.Cluster.Identity;
using Microsoft.Data.Sqlite;

namespace Formation.Inference.Cluster.Nodes.Storage;

/// <summary>The file <c>cluster.db</c> in a gateway's data folder: what was decided about nodes and deployments. Safe to use from any thread.</summary>
sealed class ClusterDatabase
{
    private readonly string _connectionString;

    private ClusterDatabase(string path)
    {
        _connectionString = new SqliteConnectionStringBuilder { DataSource = path, Mode = SqliteOpenMode.ReadWrite, DefaultTimeout = 5 }.ToString();
        using var connection = Connect();
        Execute(connection, null, "PRAGMA journal_mode = WAL");
    }

    /// <summary>Opens the file, making it (mode 600) where it is missing.</summary>
    /// <exception cref="IOException">The folder can't be written.</exception>
    public static ClusterDatabase Open(string folder)
    {
        PrivateFolder.Create(folder);
        var path = Path.Combine(folder, "cluster.db");
        var options = new FileStreamOptions
        {
            Mode = FileMode.OpenOrCreate,
            Access = FileAccess.Write,
            Share = FileShare.ReadWrite,
            UnixCreateMode = UnixFileMode.UserRead | UnixFileMode.UserWrite,
        };
        new FileStream(path, options).Dispose();
        return new ClusterDatabase(path);
    }

    public SqliteConnection Connect()
    {
        var connection = new SqliteConnection(_connectionString);
        connection.Open();
        return connection;
    }

    /// <returns>How many rows changed.</returns>
    public static int Execute(
        SqliteConnection connection, SqliteTransaction? transaction, string sql, params ReadOnlySpan<(string Name, object? Value)> parameters)
    {
        using var command = Command(connection, transaction, sql, parameters);
        return command.ExecuteNonQuery();
    }

    public static SqliteCommand Command(
        SqliteConnection connection, SqliteTransaction? transaction, string sql, params ReadOnlySpan<(string Name, object? Value)> parameters)
    {
        var command = connection.CreateCommand();
        command.Transaction = transaction;
        command.CommandText = sql;
        foreach (var (name, value) in parameters)
            command.Parameters.AddWithValue(name, value ?? DBNull.Value);
        return command;
    }
}
