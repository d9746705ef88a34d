using System.Data.Common;
using Formation.Inference.Storage;

namespace Formation.Inference.Gateway.Contents;

/// <summary>A batch as it is kept.</summary>
/// <param name="Id">Its id.</param>
/// <param name="AccountId">Whose it is: nobody else finds it.</param>
/// <param name="Dialect">The API that it was made with, which alone shows it.</param>
/// <param name="Created">When it was made.</param>
/// <param name="Cancelled">When its end was asked for, or null.</param>
/// <param name="Content">How it stands, in its dialect's JSON.</param>
internal sealed record KeptBatch(string Id, string AccountId, string Dialect, DateTimeOffset Created, DateTimeOffset? Cancelled, byte[] Content);

/// <summary>What became of a line of a batch.</summary>
/// <param name="Line">The line, from 1.</param>
/// <param name="IsError">Whether it failed.</param>
/// <param name="Content">The line of the file that tells it.</param>
internal sealed record BatchResult(int Line, bool IsError, byte[] Content);

/// <summary>
/// The tables of batches and of what became of their lines. Of several gateways the one that holds a batch works on it; who holds it says so again
/// before its time is over, which is counted on the database's clock.
/// </summary>
internal sealed class BatchTable(Database database, ContentCipher cipher, TimeProvider clock)
{
    /// <summary>Batches that one account may have in work.</summary>
    internal const int MaxOpen = 64;

    const string Table = "batches", ResultsTable = "batch_results", Columns = "id, account_id, dialect, created, cancelled, batch";
    const long HoldMilliseconds = 30_000;
    const int MostCandidates = 256;

    /// <summary>How long a batch is kept.</summary>
    internal static readonly TimeSpan Lifetime = TimeSpan.FromDays(30);

    internal static string Make(SqlDialect sql) =>
        $"""
        CREATE TABLE batches (
            id {sql.Text} PRIMARY KEY,
            account_id {sql.Text} NOT NULL,
            created {sql.Text} NOT NULL,
            expires {sql.Text} NOT NULL,
            cancelled {sql.Text},
            is_open {sql.Integer} NOT NULL,
            holder {sql.Text} NOT NULL,
            held_until {sql.Integer} NOT NULL,
            batch {sql.Bytes} NOT NULL
        ){sql.TableEnd}
        """;

    internal static string MakeResults(SqlDialect sql) =>
        $"""
        CREATE TABLE batch_results (
            batch_id {sql.Text} NOT NULL,
            line {sql.Integer} NOT NULL,
            is_error {sql.Integer} NOT NULL,
            content {sql.Bytes} NOT NULL,
            PRIMARY KEY (batch_id, line)
        ){sql.TableEnd}
        """;

    internal static string AddDialect(SqlDialect sql) => $"ALTER TABLE batches ADD COLUMN dialect {sql.Text} NOT NULL DEFAULT 'openai'";

    internal const string MakeIndex = "CREATE INDEX batches_of_account ON batches (account_id, created)";

    /// <summary>Keeps a new batch; false where the account has too many in work.</summary>
    internal async Task<bool> TryAddAsync(KeptBatch batch, CancellationToken cancellationToken)
    {
        IReadOnlyList<long> open = await database.QueryAsync(
            "SELECT count(*) FROM batches WHERE account_id = @account AND is_open = 1", row => row.GetInt64(0), cancellationToken, ("@account", batch.AccountId));
        if (open[0] >= MaxOpen)
            return false;
        await database.ExecuteAsync(
            """
            INSERT INTO batches (id, account_id, dialect, created, expires, cancelled, is_open, holder, held_until, batch)
            VALUES (@id, @account, @dialect, @created, @expires, NULL, 1, '', 0, @batch)
            """,
            cancellationToken,
            ("@id", batch.Id),
            ("@account", batch.AccountId),
            ("@dialect", batch.Dialect),
            ("@created", StoredTime.Write(batch.Created)),
            ("@expires", StoredTime.Write(batch.Created + Lifetime)),
            ("@batch", cipher.Encrypt(batch.Content, Table, batch.AccountId, batch.Id)));
        return true;
    }

    /// <summary>The batch, or null.</summary>
    internal async Task<KeptBatch?> FindAsync(string account, string id, CancellationToken cancellationToken) => (await database.QueryAsync(
        $"SELECT {Columns} FROM batches WHERE id = @id AND account_id = @account AND expires > @now", Read, cancellationToken,
        ("@id", id), ("@account", account), ("@now", Now()))).FirstOrDefault();

    /// <summary>An account's batches of an API, from the nearest one to a batch on.</summary>
    /// <param name="account">The account.</param>
    /// <param name="dialect">The API.</param>
    /// <param name="next">The batch that they lie beside, or null for none.</param>
    /// <param name="isNewer">Whether the newer ones are wanted, oldest first; else the older ones, newest first.</param>
    /// <param name="limit">Batches at most.</param>
    /// <param name="cancellationToken">Gives up.</param>
    internal Task<IReadOnlyList<KeptBatch>> ListAsync(
        string account, string dialect, KeptBatch? next, bool isNewer, int limit, CancellationToken cancellationToken) => database.QueryAsync(
        $"""
        SELECT {Columns} FROM batches
        WHERE account_id = @account AND dialect = @dialect AND expires > @now AND (@next = '' OR (created, id) {(isNewer ? ">" : "<")} (@created, @next))
        ORDER BY created {(isNewer ? "ASC" : "DESC")}, id {(isNewer ? "ASC" : "DESC")} LIMIT @limit
        """,
        Read,
        cancellationToken,
        ("@account", account),
        ("@dialect", dialect),
        ("@now", Now()),
        ("@next", next?.Id ?? ""),
        ("@created", next is null ? "" : StoredTime.Write(next.Created)),
        ("@limit", (long)limit));

    /// <summary>How many lines of a batch have ended well, and how many failed.</summary>
    internal async Task<(int Completed, int Failed)> CountAsync(string id, CancellationToken cancellationToken)
    {
        IReadOnlyList<(bool IsError, int Count)> rows = await database.QueryAsync(
            "SELECT is_error, count(*) FROM batch_results WHERE batch_id = @id GROUP BY is_error",
            row => (row.GetInt64(0) == 1, (int)row.GetInt64(1)),
            cancellationToken,
            ("@id", id));
        return (rows.Where(row => !row.IsError).Sum(row => row.Count), rows.Where(row => row.IsError).Sum(row => row.Count));
    }

    /// <summary>Asks for a batch's end; false where it has ended.</summary>
    internal async Task<bool> CancelAsync(string account, string id, CancellationToken cancellationToken) => await database.ExecuteAsync(
        "UPDATE batches SET cancelled = COALESCE(cancelled, @now) WHERE id = @id AND account_id = @account AND is_open = 1",
        cancellationToken,
        ("@id", id), ("@account", account), ("@now", Now())) == 1;

    /// <summary>Takes a batch that nobody works on: the oldest one of an account that is none of some.</summary>
    internal async Task<KeptBatch?> TryHoldAsync(string holder, IReadOnlySet<string> busyAccounts, CancellationToken cancellationToken)
    {
        IReadOnlyList<(string Id, string Account)> open = await database.QueryAsync(
            $"SELECT id, account_id FROM batches WHERE is_open = 1 AND held_until <= {database.Dialect.Now} ORDER BY created, id LIMIT {MostCandidates}",
            row => (row.GetString(0), row.GetString(1)),
            cancellationToken);
        foreach ((string id, string account) in open.Where(each => !busyAccounts.Contains(each.Account)))
            if (await database.ExecuteAsync(
                $"UPDATE batches SET holder = @holder, held_until = {database.Dialect.Now} + {HoldMilliseconds} WHERE id = @id AND is_open = 1 AND held_until <= {database.Dialect.Now}",
                cancellationToken,
                ("@holder", holder), ("@id", id)) == 1)
                return await FindAsync(account, id, cancellationToken);
        return null;
    }

    /// <summary>Holds a batch for longer; false where another one holds it.</summary>
    internal async Task<bool> HoldOnAsync(string holder, string id, CancellationToken cancellationToken) => await database.ExecuteAsync(
        $"UPDATE batches SET held_until = {database.Dialect.Now} + {HoldMilliseconds} WHERE id = @id AND holder = @holder", cancellationToken,
        ("@holder", holder), ("@id", id)) == 1;

    /// <summary>Lets a batch go, so that another gateway, or this one after its restart, goes on with it.</summary>
    internal Task ReleaseAsync(string holder, string id, CancellationToken cancellationToken) => database.ExecuteAsync(
        "UPDATE batches SET held_until = 0 WHERE id = @id AND holder = @holder", cancellationToken, ("@holder", holder), ("@id", id));

    /// <summary>Writes how a batch stands; false where another one holds it.</summary>
    internal async Task<bool> UpdateAsync(string holder, KeptBatch batch, bool isOpen, CancellationToken cancellationToken) => await database.ExecuteAsync(
        "UPDATE batches SET batch = @batch, is_open = @open WHERE id = @id AND holder = @holder",
        cancellationToken,
        ("@batch", cipher.Encrypt(batch.Content, Table, batch.AccountId, batch.Id)),
        ("@open", isOpen ? 1L : 0L),
        ("@id", batch.Id),
        ("@holder", holder)) == 1;

    /// <summary>Keeps what became of a line; the first who says it counts.</summary>
    internal Task AddResultAsync(KeptBatch batch, BatchResult result, CancellationToken cancellationToken) => database.ExecuteAsync(
        "INSERT INTO batch_results (batch_id, line, is_error, content) VALUES (@id, @line, @error, @content) ON CONFLICT (batch_id, line) DO NOTHING",
        cancellationToken,
        ("@id", batch.Id),
        ("@line", (long)result.Line),
        ("@error", result.IsError ? 1L : 0L),
        ("@content", cipher.Encrypt(result.Content, ResultsTable, batch.AccountId, batch.Id, $"{result.Line}")));

    /// <summary>The lines that have ended.</summary>
    internal async Task<HashSet<int>> FindDoneAsync(string id, CancellationToken cancellationToken) =>
        [.. await database.QueryAsync("SELECT line FROM batch_results WHERE batch_id = @id", row => (int)row.GetInt64(0), cancellationToken, ("@id", id))];

    /// <summary>What became of the lines behind one, in their order.</summary>
    internal Task<IReadOnlyList<BatchResult>> FindResultsAsync(KeptBatch batch, int after, int limit, CancellationToken cancellationToken) => database.QueryAsync(
        "SELECT line, is_error, content FROM batch_results WHERE batch_id = @id AND line > @after ORDER BY line LIMIT @limit",
        row => new BatchResult(
            (int)row.GetInt64(0), row.GetInt64(1) == 1, cipher.Decrypt(row.GetFieldValue<byte[]>(2), ResultsTable, batch.AccountId, batch.Id, $"{row.GetInt64(0)}")),
        cancellationToken,
        ("@id", batch.Id), ("@after", (long)after), ("@limit", (long)limit));

    /// <summary>Forgets what became of a batch's lines, once the files tell it.</summary>
    internal Task RemoveResultsAsync(string id, CancellationToken cancellationToken) =>
        database.ExecuteAsync("DELETE FROM batch_results WHERE batch_id = @id", cancellationToken, ("@id", id));

    /// <summary>Forgets a batch; false where it has not ended or is not there.</summary>
    internal async Task<bool> RemoveAsync(string account, string id, CancellationToken cancellationToken)
    {
        bool removed = await database.ExecuteAsync(
            "DELETE FROM batches WHERE id = @id AND account_id = @account AND is_open = 0", cancellationToken, ("@id", id), ("@account", account)) == 1;
        if (removed)
            await RemoveResultsAsync(id, cancellationToken);
        return removed;
    }

    /// <summary>Removes what is too old.</summary>
    internal async Task<int> SweepAsync(CancellationToken cancellationToken)
    {
        int removed = await database.ExecuteAsync("DELETE FROM batches WHERE expires <= @now", cancellationToken, ("@now", Now()));
        await database.ExecuteAsync("DELETE FROM batch_results WHERE batch_id NOT IN (SELECT id FROM batches)", cancellationToken);
        return removed;
    }

    KeptBatch Read(DbDataReader row)
    {
        (string id, string account) = (row.GetString(0), row.GetString(1));
        return new KeptBatch(
            id, account, row.GetString(2), StoredTime.Read(row.GetString(3)), row.IsDBNull(4) ? null : StoredTime.Read(row.GetString(4)),
            cipher.Decrypt(row.GetFieldValue<byte[]>(5), Table, account, id));
    }

    string Now() => StoredTime.Write(clock.GetUtcNow());
}
