using Formation.Inference.Cluster.Identity;
using Formation.Inference.Cluster.Nodes.Storage;
using Formation.Inference.Storage;

namespace Formation.Inference.Cluster.Gateways;

/// <summary>
/// Which of the gateways that share a database decides: a lease in one row, by the clock of the database. Safe to call from any thread; every
/// method throws <see cref="StorageException"/> when the database fails.
/// </summary>
public sealed class Leadership
{
    private static readonly Schema Tables = new("leadership", sql =>
        $"""
        CREATE TABLE leadership (
            id {sql.Integer} PRIMARY KEY,
            holder {sql.Text} NOT NULL,
            term {sql.Integer} NOT NULL,
            expires {sql.Integer} NOT NULL
        ){sql.TableEnd}
        """);

    private readonly Database _database;

    private Leadership(Database database) => _database = database;

    /// <summary>Opens it in a database, which stays the caller's.</summary>
    /// <exception cref="InvalidDataException">A newer version of the program made its table.</exception>
    public static Leadership Open(Database database)
    {
        database.Prepare(Tables);
        return new Leadership(database);
    }

    /// <summary>
    /// Takes the leadership where it is free or has expired, renews it where it is the holder's own, and else leaves it. The lease runs from a
    /// moment after the call began: who counts from before the call lets go in time.
    /// </summary>
    /// <param name="holder">Who asks.</param>
    /// <param name="lease">For how long.</param>
    public LeadershipStatus TryHold(KeyPin holder, TimeSpan lease)
    {
        // One statement that always writes, so that it can tell who holds it in any case. Everywhere "now" is the one moment that the new row was
        // made at: a clock that is read again could call the old row expired here and not there.
        const string Now = "(excluded.expires - @lease)";
        return _database.Query(
            $"""
            INSERT INTO leadership AS held (id, holder, term, expires) VALUES (1, @holder, 1, {_database.Dialect.Now} + @lease)
            ON CONFLICT (id) DO UPDATE SET
                term = CASE WHEN held.expires > {Now} THEN held.term ELSE held.term + 1 END,
                holder = CASE WHEN held.expires > {Now} THEN held.holder ELSE excluded.holder END,
                expires = CASE WHEN held.expires > {Now} AND held.holder <> excluded.holder THEN held.expires ELSE excluded.expires END
            RETURNING term, holder
            """,
            row => new LeadershipStatus(row.GetInt64(0), StoredPin.Read(row.GetString(1)), row.GetString(1) == holder.Text),
            ("@holder", holder.Text), ("@lease", (long)lease.TotalMilliseconds)).Single();
    }

    /// <summary>Lets the leadership go before it expires; does nothing where it is another's.</summary>
    public void Release(KeyPin holder) => _database.Execute("UPDATE leadership SET expires = 0 WHERE holder = @holder", ("@holder", holder.Text));
}

/// <summary>Who decides.</summary>
/// <param name="Term">Grows by one whenever the leadership is taken: also by the same gateway, when it had lost it.</param>
/// <param name="Holder">Who holds it.</param>
/// <param name="IsHeld">Whether that is the one who asked.</param>
public sealed record LeadershipStatus(long Term, KeyPin Holder, bool IsHeld);
