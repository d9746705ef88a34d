using System.Globalization;
using Microsoft.Data.Sqlite;

namespace Formation.Inference.Accounts.Keys;

/// <summary>The table of keys. Times are ISO 8601 text in UTC, so that the table can be read with any tool.</summary>
internal sealed class ApiKeyTable
{
    const string Columns = "id, name, account_id, scopes, display, created, expires, revoked, last_used";
    readonly string _connectionString;

    internal ApiKeyTable(string path)
    {
        _connectionString = new SqliteConnectionStringBuilder
        {
            DataSource = path,
            Mode = SqliteOpenMode.ReadWrite,
            DefaultTimeout = 5,
        }.ToString();
        Execute("PRAGMA journal_mode = WAL");
        Execute(
            """
            CREATE TABLE IF NOT EXISTS api_keys (
                id TEXT PRIMARY KEY,
                hash BLOB NOT NULL,
                name TEXT NOT NULL,
                account_id TEXT NOT NULL,
                scopes TEXT NOT NULL,
                display TEXT NOT NULL,
                created TEXT NOT NULL,
                expires TEXT,
                revoked TEXT,
                last_used TEXT
            ) STRICT, WITHOUT ROWID
            """);
    }

    internal bool IsEmpty()
    {
        using SqliteConnection connection = Open();
        using SqliteCommand command = Command(connection, "SELECT EXISTS (SELECT 1 FROM api_keys)");
        return (long)command.ExecuteScalar()! == 0;
    }

    /// <summary>The key and its hash, or null.</summary>
    internal (ApiKey Key, byte[] Hash)? Find(string id)
    {
        using SqliteConnection connection = Open();
        using SqliteCommand command = Command(connection, $"SELECT {Columns}, hash FROM api_keys WHERE id = $id", ("$id", id));
        using SqliteDataReader row = command.ExecuteReader();
        return row.Read() ? (Read(row), row.GetFieldValue<byte[]>(9)) : null;
    }

    /// <summary>All keys, oldest first.</summary>
    internal IReadOnlyList<ApiKey> List()
    {
        using SqliteConnection connection = Open();
        using SqliteCommand command = Command(connection, $"SELECT {Columns} FROM api_keys ORDER BY created, id");
        using SqliteDataReader row = command.ExecuteReader();
        var keys = new List<ApiKey>();
        while (row.Read())
            keys.Add(Read(row));
        return keys;
    }

    /// <summary>Adds the key; with <paramref name="onlyIfEmpty"/> only where there is none yet. Says whether it did.</summary>
    internal bool Insert(ApiKey key, byte[] hash, bool onlyIfEmpty) => Execute(
        $"""
        INSERT INTO api_keys (id, hash, name, account_id, scopes, display, created, expires)
        SELECT $id, $hash, $name, $account, $scopes, $display, $created, $expires
        {(onlyIfEmpty ? "WHERE NOT EXISTS (SELECT 1 FROM api_keys)" : "")}
        """,
        ("$id", key.Id),
        ("$hash", hash),
        ("$name", key.Name),
        ("$account", key.AccountId),
        ("$scopes", key.Scopes.ToString()),
        ("$display", key.Display),
        ("$created", Text(key.Created)),
        ("$expires", key.Expires is { } expires ? Text(expires) : null)) == 1;

    /// <summary>Revokes the key; says whether there is such a key. A second time changes nothing.</summary>
    internal bool Revoke(string id, DateTimeOffset time) => Execute(
        "UPDATE api_keys SET revoked = COALESCE(revoked, $time) WHERE id = $id", ("$id", id), ("$time", Text(time))) == 1;

    internal void Touch(string id, DateOnly day) => Execute(
        "UPDATE api_keys SET last_used = $day WHERE id = $id", ("$id", id), ("$day", day.ToString("O", CultureInfo.InvariantCulture)));

    static ApiKey Read(SqliteDataReader row) => new(
        row.GetString(0),
        row.GetString(1),
        row.GetString(2),
        Enum.Parse<KeyScopes>(row.GetString(3)),
        row.GetString(4),
        Time(row.GetString(5)))
    {
        Expires = row.IsDBNull(6) ? null : Time(row.GetString(6)),
        Revoked = row.IsDBNull(7) ? null : Time(row.GetString(7)),
        LastUsed = row.IsDBNull(8) ? null : DateOnly.ParseExact(row.GetString(8), "O", CultureInfo.InvariantCulture),
    };

    static string Text(DateTimeOffset time) => time.UtcDateTime.ToString("O", CultureInfo.InvariantCulture);

    static DateTimeOffset Time(string text) =>
        DateTimeOffset.ParseExact(text, "O", CultureInfo.InvariantCulture, DateTimeStyles.RoundtripKind);

    int Execute(string sql, params ReadOnlySpan<(string Name, object? Value)> parameters)
    {
        using SqliteConnection connection = Open();
        using SqliteCommand command = Command(connection, sql, parameters);
        return command.ExecuteNonQuery();
    }

    SqliteConnection Open()
    {
        var connection = new SqliteConnection(_connectionString);
        connection.Open();
        return connection;
    }

    static SqliteCommand Command(SqliteConnection connection, string sql, params ReadOnlySpan<(string Name, object? Value)> parameters)
    {
        SqliteCommand command = connection.CreateCommand();
        command.CommandText = sql;
        foreach ((string name, object? value) in parameters)
            command.Parameters.AddWithValue(name, value ?? DBNull.Value);
        return command;
    }
}
