using System.Data.Common;
using System.Text.Json;
using System.Text.Json.Serialization;
using Formation.Inference.Cluster.Identity;
using Formation.Inference.Storage;

namespace Formation.Inference.Cluster.Nodes.Storage;

/// <summary>
/// The durable part of the registry: admitted nodes and join tokens. What nodes report and whether they are online is not here: a gateway that
/// starts learns it from their registrations. Safe to call from any thread; every method throws <see cref="StorageException"/> when the database
/// fails.
/// </summary>
public sealed class NodeStore
{
    private const string NodeColumns = "pin, name, region, labels, trusted, joined, draining, removed";

    private static readonly Schema Tables = new("nodes", sql =>
        $"""
        CREATE TABLE IF NOT EXISTS nodes (
            pin {sql.Text} PRIMARY KEY,
            name {sql.Text} NOT NULL,
            region {sql.Text} NOT NULL,
            labels {sql.Text} NOT NULL,
            trusted {sql.Integer} NOT NULL,
            joined {sql.Text} NOT NULL,
            draining {sql.Integer} NOT NULL,
            removed {sql.Text}
        ){sql.TableEnd};
        CREATE UNIQUE INDEX IF NOT EXISTS node_names ON nodes (name) WHERE removed IS NULL;
        CREATE TABLE IF NOT EXISTS join_tokens (
            id {sql.Text} PRIMARY KEY,
            hash {sql.Bytes} NOT NULL,
            region {sql.Text},
            labels {sql.Text} NOT NULL,
            trusted {sql.Integer} NOT NULL,
            expires {sql.Text} NOT NULL,
            used_by {sql.Text}
        ){sql.TableEnd}
        """);

    private readonly Database _database;

    private NodeStore(Database database) => _database = database;

    /// <summary>Opens the store in a database, which stays the caller's.</summary>
    /// <exception cref="InvalidDataException">A newer version of the program made its tables.</exception>
    public static NodeStore Open(Database database)
    {
        database.Prepare(Tables);
        return new NodeStore(database);
    }

    /// <summary>All nodes ever admitted, removed ones among them, ordered by name.</summary>
    public IReadOnlyList<NodeRecord> Nodes() => _database.Query($"SELECT {NodeColumns} FROM nodes ORDER BY name, pin", ReadNode);

    /// <summary>Keeps a token; those that expired before <paramref name="forgetBefore"/> are forgotten.</summary>
    public void Add(StoredToken token, DateTimeOffset forgetBefore)
    {
        using var transaction = _database.Begin();
        transaction.Execute("DELETE FROM join_tokens WHERE expires < @time", ("@time", StoredTime.Write(forgetBefore)));
        transaction.Execute(
            "INSERT INTO join_tokens (id, hash, region, labels, trusted, expires) VALUES (@id, @hash, @region, @labels, @trusted, @expires)",
            ("@id", token.Id), ("@hash", token.Hash), ("@region", token.Terms.Region), ("@labels", Text(token.Terms.Labels)),
            ("@trusted", Number(token.Terms.IsTrusted)), ("@expires", StoredTime.Write(token.Expires)));
        transaction.TellOthers();
        transaction.Commit();
    }

    /// <summary>The token with this id, or null.</summary>
    public StoredToken? FindToken(string id) => _database.Query(
        "SELECT id, hash, region, labels, trusted, expires, used_by FROM join_tokens WHERE id = @id", ReadToken, ("@id", id)).SingleOrDefault();

    /// <summary>
    /// Spends a token on a node and keeps the node's record, both or neither. False where another was faster: with the token, or with the name.
    /// </summary>
    public bool Admit(string tokenId, NodeRecord node)
    {
        using var transaction = _database.Begin();
        return transaction.Execute(
            "UPDATE join_tokens SET used_by = @pin WHERE id = @id AND used_by IS NULL", ("@id", tokenId), ("@pin", node.Pin.Text)) == 1
            && TryKeep(transaction, node);
    }

    /// <summary>Keeps the record of a node that needs no token. False where its name is taken.</summary>
    public bool AdmitOwn(NodeRecord node)
    {
        using var transaction = _database.Begin();
        return TryKeep(transaction, node);
    }

    /// <summary>Ends a node's admission; its record stays, so that it can be told so when it comes again.</summary>
    public void Remove(KeyPin pin, DateTimeOffset time) =>
        Update("UPDATE nodes SET removed = @time WHERE pin = @pin", ("@pin", pin.Text), ("@time", StoredTime.Write(time)));

    public void SetDraining(KeyPin pin, bool isDraining) =>
        Update("UPDATE nodes SET draining = @draining WHERE pin = @pin", ("@pin", pin.Text), ("@draining", Number(isDraining)));

    private void Update(string sql, params ReadOnlySpan<(string Name, object? Value)> parameters)
    {
        using var transaction = _database.Begin();
        transaction.Execute(sql, parameters);
        transaction.TellOthers();
        transaction.Commit();
    }

    // Commits where it could keep the record.
    private static bool TryKeep(DatabaseTransaction transaction, NodeRecord node)
    {
        try
        {
            transaction.Execute(
                $"""
                INSERT INTO nodes ({NodeColumns}) VALUES (@pin, @name, @region, @labels, @trusted, @joined, 0, NULL)
                ON CONFLICT (pin) DO UPDATE SET
                    name = excluded.name, region = excluded.region, labels = excluded.labels, trusted = excluded.trusted,
                    joined = excluded.joined, draining = 0, removed = NULL
                """,
                ("@pin", node.Pin.Text), ("@name", node.Name), ("@region", node.Region), ("@labels", Text(node.Labels)),
                ("@trusted", Number(node.IsTrusted)), ("@joined", StoredTime.Write(node.Joined)));
        }
        catch (StorageException error) when (error.IsDuplicate)
        {
            return false;
        }
        transaction.TellOthers();
        transaction.Commit();
        return true;
    }

    private static NodeRecord ReadNode(DbDataReader row) => new(
        StoredPin.Read(row.GetString(0)),
        row.GetString(1),
        row.GetString(2),
        Labels(row.GetString(3)),
        row.GetInt64(4) != 0,
        StoredTime.Read(row.GetString(5)),
        row.GetInt64(6) != 0,
        row.IsDBNull(7) ? null : StoredTime.Read(row.GetString(7)));

    private static StoredToken ReadToken(DbDataReader row) => new(
        row.GetString(0),
        row.GetFieldValue<byte[]>(1),
        new AdmissionTerms(row.IsDBNull(2) ? null : row.GetString(2), Labels(row.GetString(3)), row.GetInt64(4) != 0),
        StoredTime.Read(row.GetString(5)),
        row.IsDBNull(6) ? null : StoredPin.Read(row.GetString(6)));

    private static long Number(bool value) => value ? 1 : 0;

    private static string Text(IReadOnlyDictionary<string, string> labels) =>
        JsonSerializer.Serialize(new SortedDictionary<string, string>(labels.ToDictionary(), StringComparer.Ordinal), LabelsJson.Default.SortedDictionaryStringString);

    private static SortedDictionary<string, string> Labels(string text) =>
        JsonSerializer.Deserialize(text, LabelsJson.Default.SortedDictionaryStringString) ?? [];
}

[JsonSerializable(typeof(SortedDictionary<string, string>))]
sealed partial class LabelsJson : JsonSerializerContext;
