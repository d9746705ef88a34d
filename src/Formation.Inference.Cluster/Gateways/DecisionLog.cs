using System.Data.Common;
using Formation.Inference.Storage;

namespace Formation.Inference.Cluster.Gateways;

/// <summary>
/// What gateways that share a database decided, and what happened to nodes, for people: the newest of all of them. Safe to call from any thread;
/// every method throws <see cref="StorageException"/> when the database fails.
/// </summary>
public sealed class DecisionLog
{
    /// <summary>How many are kept.</summary>
    public const int Capacity = 10_000;

    private static readonly Schema Tables = new("decisions", sql =>
        $"""
        CREATE TABLE decisions (
            id {sql.Counter},
            time {sql.Integer} NOT NULL,
            subject {sql.Text} NOT NULL,
            kind {sql.Text} NOT NULL,
            reason {sql.Text} NOT NULL
        ){sql.TableEnd};
        CREATE INDEX decision_subjects ON decisions (subject, id)
        """);

    private readonly Database _database;

    private DecisionLog(Database database) => _database = database;

    /// <summary>Opens the log in a database, which stays the caller's.</summary>
    /// <exception cref="InvalidDataException">A newer version of the program made its table.</exception>
    public static DecisionLog Open(Database database)
    {
        database.Prepare(Tables);
        return new DecisionLog(database);
    }

    /// <summary>Notes what happened now. The same a second time in a row is left out: who tries on and on must not push out the rest.</summary>
    /// <param name="subject">The node or model; empty where it is about none.</param>
    /// <param name="kind">One word.</param>
    /// <param name="reason">Why, in words.</param>
    public void Add(string subject, string kind, string reason)
    {
        using var transaction = _database.Begin();
        if (transaction.Execute(
            $"""
            INSERT INTO decisions (time, subject, kind, reason)
            SELECT {_database.Dialect.Now}, @subject, @kind, @reason
            WHERE NOT EXISTS (
                SELECT 1 FROM (SELECT subject, kind, reason FROM decisions ORDER BY id DESC LIMIT 1) AS newest
                WHERE subject = @subject AND kind = @kind AND reason = @reason)
            """,
            ("@subject", Storable(subject)), ("@kind", Storable(kind)), ("@reason", Storable(reason))) == 0)
            return;
        transaction.Execute(
            "DELETE FROM decisions WHERE id <= (SELECT id FROM decisions ORDER BY id DESC LIMIT 1 OFFSET @capacity)", ("@capacity", (long)Capacity));
        transaction.TellOthers();
        transaction.Commit();
    }

    /// <summary>The newest entries, oldest of them first.</summary>
    /// <param name="subject">Of this subject only, or null for all.</param>
    /// <param name="limit">How many at most.</param>
    public IReadOnlyList<NodeEvent> Newest(string? subject, int limit)
    {
        var newest = subject is null
            ? _database.Query("SELECT time, subject, kind, reason FROM decisions ORDER BY id DESC LIMIT @limit", Read, ("@limit", (long)limit))
            : _database.Query(
                "SELECT time, subject, kind, reason FROM decisions WHERE subject = @subject ORDER BY id DESC LIMIT @limit", Read,
                ("@limit", (long)limit), ("@subject", Storable(subject)));
        return [.. newest.Reverse()];
    }

    private static NodeEvent Read(DbDataReader row) =>
        new(DateTimeOffset.FromUnixTimeMilliseconds(row.GetInt64(0)), row.GetString(1), row.GetString(2), row.GetString(3));

    // A reason can repeat what a node said, and PostgreSQL's texts hold every character but this one.
    private static string Storable(string text) => text.Replace("\0", "", StringComparison.Ordinal);
}
