using System.Globalization;
using System.Text.Json;
using System.Text.Json.Serialization;
using Formation.Inference.Cluster.Identity;
using Microsoft.Data.Sqlite;

namespace Formation.Inference.Cluster.Nodes.Storage;

/// <summary>
/// The durable part of the registry: admitted nodes and join tokens, in <c>cluster.db</c>. What nodes report and whether they are online is
/// not here: a gateway that starts learns it from their registrations. Times are ISO 8601 text in UTC. Safe to call from any thread.
/// </summary>
public sealed class NodeStore
{
    private const string NodeColumns = "pin, name, region, labels, trusted, joined, draining, removed";

    /// <summary>SQLite's code for a row that breaks a rule of its table: here the uniqueness of names.</summary>
    private const int ConstraintError = 19;

    private readonly ClusterDatabase _database;

    private NodeStore(ClusterDatabase database)
    {
        _database = database;
        using var connection = _database.Connect();
        ClusterDatabase.Execute(
            connection, null,
            """
            CREATE TABLE IF NOT EXISTS nodes (
                pin TEXT PRIMARY KEY,
                name TEXT NOT NULL,
                region TEXT NOT NULL,
                labels TEXT NOT NULL,
                trusted INTEGER NOT NULL,
                joined TEXT NOT NULL,
                draining INTEGER NOT NULL,
                removed TEXT
            ) STRICT, WITHOUT ROWID;
            CREATE UNIQUE INDEX IF NOT EXISTS node_names ON nodes (name) WHERE removed IS NULL;
            CREATE TABLE IF NOT EXISTS join_tokens (
                id TEXT PRIMARY KEY,
                hash BLOB NOT NULL,
                region TEXT,
                labels TEXT NOT NULL,
                trusted INTEGER NOT NULL,
                expires TEXT NOT NULL,
                used_by TEXT
            ) STRICT, WITHOUT ROWID
            """);
    }

    /// <summary>Opens the store in a data folder, making <c>cluster.db</c> (mode 600) where it is missing.</summary>
    /// <exception cref="IOException">The folder can't be written.</exception>
    public static NodeStore Open(string folder) => new(ClusterDatabase.Open(folder));

    /// <summary>All nodes ever admitted, removed ones among them, ordered by name.</summary>
    public IReadOnlyList<NodeRecord> Nodes()
    {
        using var connection = _database.Connect();
        using var command = ClusterDatabase.Command(connection, null, $"SELECT {NodeColumns} FROM nodes ORDER BY name, pin");
        using var row = command.ExecuteReader();
        var nodes = new List<NodeRecord>();
        while (row.Read())
            nodes.Add(ReadNode(row));
        return nodes;
    }

    /// <summary>Keeps a token; those that expired before <paramref name="forgetBefore"/> are forgotten.</summary>
    public void Add(StoredToken token, DateTimeOffset forgetBefore)
    {
        using var connection = _database.Connect();
        using var transaction = connection.BeginTransaction();
        ClusterDatabase.Execute(connection, transaction, "DELETE FROM join_tokens WHERE expires < $time", ("$time", Text(forgetBefore)));
        ClusterDatabase.Execute(
            connection, transaction,
            "INSERT INTO join_tokens (id, hash, region, labels, trusted, expires) VALUES ($id, $hash, $region, $labels, $trusted, $expires)",
            ("$id", token.Id), ("$hash", token.Hash), ("$region", token.Terms.Region), ("$labels", Text(token.Terms.Labels)),
            ("$trusted", token.Terms.IsTrusted ? 1 : 0), ("$expires", Text(token.Expires)));
        transaction.Commit();
    }

    /// <summary>The token with this id, or null.</summary>
    public StoredToken? FindToken(string id)
    {
        using var connection = _database.Connect();
        using var command = ClusterDatabase.Command(
            connection, null, "SELECT id, hash, region, labels, trusted, expires, used_by FROM join_tokens WHERE id = $id", ("$id", id));
        using var row = command.ExecuteReader();
        if (!row.Read())
            return null;
        var terms = new AdmissionTerms(row.IsDBNull(2) ? null : row.GetString(2), Labels(row.GetString(3)), row.GetInt64(4) != 0);
        return new StoredToken(
            row.GetString(0), row.GetFieldValue<byte[]>(1), terms, Time(row.GetString(5)), row.IsDBNull(6) ? null : Pin(row.GetString(6)));
    }

    /// <summary>
    /// Spends a token on a node and keeps the node's record, both or neither. False where another was faster: with the token, or with the name.
    /// </summary>
    public bool Admit(string tokenId, NodeRecord node)
    {
        using var connection = _database.Connect();
        using var transaction = connection.BeginTransaction();
        if (ClusterDatabase.Execute(
            connection, transaction, "UPDATE join_tokens SET used_by = $pin WHERE id = $id AND used_by IS NULL",
            ("$id", tokenId), ("$pin", node.Pin.Text)) != 1)
            return false;
        if (!TryKeep(connection, transaction, node))
            return false;
        transaction.Commit();
        return true;
    }

    /// <summary>Keeps the record of a node that needs no token. False where its name is taken.</summary>
    public bool AdmitOwn(NodeRecord node)
    {
        using var connection = _database.Connect();
        return TryKeep(connection, null, node);
    }

    /// <summary>Ends a node's admission; its record stays, so that it can be told so when it comes again.</summary>
    public void Remove(KeyPin pin, DateTimeOffset time)
    {
        using var connection = _database.Connect();
        ClusterDatabase.Execute(connection, null, "UPDATE nodes SET removed = $time WHERE pin = $pin", ("$pin", pin.Text), ("$time", Text(time)));
    }

    public void SetDraining(KeyPin pin, bool isDraining)
    {
        using var connection = _database.Connect();
        ClusterDatabase.Execute(connection, null, "UPDATE nodes SET draining = $draining WHERE pin = $pin", ("$pin", pin.Text), ("$draining", isDraining ? 1 : 0));
    }

    private static bool TryKeep(SqliteConnection connection, SqliteTransaction? transaction, NodeRecord node)
    {
        try
        {
            ClusterDatabase.Execute(
                connection, transaction,
                $"""
                INSERT INTO nodes ({NodeColumns}) VALUES ($pin, $name, $region, $labels, $trusted, $joined, 0, NULL)
                ON CONFLICT (pin) DO UPDATE SET
                    name = excluded.name, region = excluded.region, labels = excluded.labels, trusted = excluded.trusted,
                    joined = excluded.joined, draining = 0, removed = NULL
                """,
                ("$pin", node.Pin.Text), ("$name", node.Name), ("$region", node.Region), ("$labels", Text(node.Labels)),
                ("$trusted", node.IsTrusted ? 1 : 0), ("$joined", Text(node.Joined)));
        }
        catch (SqliteException error) when (error.SqliteErrorCode == ConstraintError)
        {
            return false;
        }
        return true;
    }

    private static NodeRecord ReadNode(SqliteDataReader row) => new(
        Pin(row.GetString(0)),
        row.GetString(1),
        row.GetString(2),
        Labels(row.GetString(3)),
        row.GetInt64(4) != 0,
        Time(row.GetString(5)),
        row.GetInt64(6) != 0,
        row.IsDBNull(7) ? null : Time(row.GetString(7)));

    private static KeyPin Pin(string text) =>
        KeyPin.TryParse(text, out var pin) ? pin : throw new InvalidDataException("A node's pin in cluster.db is damaged; restore the file from a copy.");

    private static string Text(DateTimeOffset time) => time.UtcDateTime.ToString("O", CultureInfo.InvariantCulture);

    private static DateTimeOffset Time(string text) => DateTimeOffset.ParseExact(text, "O", CultureInfo.InvariantCulture, DateTimeStyles.RoundtripKind);

    private static string Text(IReadOnlyDictionary<string, string> labels) =>
        JsonSerializer.Serialize(new SortedDictionary<string, string>(labels.ToDictionary(), StringComparer.Ordinal), LabelsJson.Default.SortedDictionaryStringString);

    private static SortedDictionary<string, string> Labels(string text) =>
        JsonSerializer.Deserialize(text, LabelsJson.Default.SortedDictionaryStringString) ?? [];
}

[JsonSerializable(typeof(SortedDictionary<string, string>))]
sealed partial class LabelsJson : JsonSerializerContext;
