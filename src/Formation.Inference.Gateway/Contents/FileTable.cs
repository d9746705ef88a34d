using System.Data.Common;
using System.Runtime.CompilerServices;
using System.Text;
using Formation.Inference.Storage;

namespace Formation.Inference.Gateway.Contents;

/// <summary>What is known of a file that is kept.</summary>
/// <param name="Id">Its id.</param>
/// <param name="AccountId">Whose it is: nobody else finds it.</param>
/// <param name="Purpose">What it is for.</param>
/// <param name="Name">What its owner calls it.</param>
/// <param name="Bytes">Its length.</param>
/// <param name="Created">When it came.</param>
/// <param name="Expires">When it is forgotten, or null.</param>
internal sealed record KeptFile(string Id, string AccountId, string Purpose, string Name, long Bytes, DateTimeOffset Created, DateTimeOffset? Expires);

/// <summary>
/// The tables of files: one row for each, and its bytes in pieces, so that no file is ever in memory as a whole. A file is there once all of it is.
/// </summary>
internal sealed class FileTable(Database database, ContentCipher cipher, TimeProvider clock, long maxBytesPerAccount)
{
    /// <summary>Bytes of a piece.</summary>
    internal const int PartBytes = 256 * 1024;

    /// <summary>Files that one account may have.</summary>
    internal const int MaxFiles = 10_000;

    const string Table = "files", PartsTable = "file_parts", Columns = "id, account_id, purpose, name, size, created, expires";

    /// <summary>Stands for "never" where times are compared; sorts behind all times.</summary>
    const string Never = "9999-12-31T23:59:59.9999999Z";

    /// <summary>What a file that is whole has in the column that says so.</summary>
    const long Shown = 1, Hidden = 2;

    static readonly TimeSpan UploadLimit = TimeSpan.FromHours(6);

    internal static string Make(SqlDialect sql) =>
        $"""
        CREATE TABLE files (
            id {sql.Text} PRIMARY KEY,
            account_id {sql.Text} NOT NULL,
            purpose {sql.Text} NOT NULL,
            name {sql.Bytes} NOT NULL,
            size {sql.Integer} NOT NULL,
            created {sql.Text} NOT NULL,
            expires {sql.Text} NOT NULL,
            is_whole {sql.Integer} NOT NULL
        ){sql.TableEnd}
        """;

    internal static string MakeParts(SqlDialect sql) =>
        $"""
        CREATE TABLE file_parts (
            file_id {sql.Text} NOT NULL,
            number {sql.Integer} NOT NULL,
            content {sql.Bytes} NOT NULL,
            PRIMARY KEY (file_id, number)
        ){sql.TableEnd}
        """;

    internal const string MakeIndex = "CREATE INDEX files_of_account ON files (account_id, created, size)";

    /// <summary>Whether an account may have so many more bytes in a file that has begun.</summary>
    internal async Task<bool> HasRoomAsync(string account, long bytes, CancellationToken cancellationToken)
    {
        IReadOnlyList<(long Count, long Bytes)> rows = await database.QueryAsync(
            "SELECT count(*), CAST(COALESCE(SUM(size), 0) AS bigint) FROM files WHERE account_id = @account AND expires > @now",
            row => (row.GetInt64(0), row.GetInt64(1)),
            cancellationToken,
            ("@account", account), ("@now", Now()));
        return rows[0].Count <= MaxFiles && rows[0].Bytes + bytes <= maxBytesPerAccount;
    }

    /// <summary>Begins a file that nobody finds until <see cref="EndAsync"/>.</summary>
    internal Task BeginAsync(string account, string id, CancellationToken cancellationToken) => database.ExecuteAsync(
        $"INSERT INTO files ({Columns}, is_whole) VALUES (@id, @account, '', @name, 0, @created, @expires, 0)",
        cancellationToken,
        ("@id", id), ("@account", account), ("@name", Array.Empty<byte>()), ("@created", Now()), ("@expires", StoredTime.Write(clock.GetUtcNow() + UploadLimit)));

    /// <summary>Keeps the next piece, which counts at once: several files that come at the same time have no more room than one.</summary>
    internal async Task AddAsync(string account, string id, int number, ReadOnlyMemory<byte> content, CancellationToken cancellationToken)
    {
        await database.ExecuteAsync(
            "UPDATE files SET size = size + @bytes WHERE id = @id", cancellationToken, ("@id", id), ("@bytes", (long)content.Length));
        await database.ExecuteAsync(
            "INSERT INTO file_parts (file_id, number, content) VALUES (@id, @number, @content)",
            cancellationToken,
            ("@id", id), ("@number", (long)number), ("@content", cipher.Encrypt(content.Span, PartsTable, account, id, $"{number}")));
    }

    /// <summary>The file is whole.</summary>
    /// <param name="account">Whose it is.</param>
    /// <param name="id">Its id.</param>
    /// <param name="purpose">What it is for.</param>
    /// <param name="name">What its owner calls it.</param>
    /// <param name="bytes">Its length.</param>
    /// <param name="lifetime">How long it is kept; null for ever.</param>
    /// <param name="isHidden">Whether it is a part of something else, so that its owner doesn't see it as a file; it takes of the account's room all the same.</param>
    /// <param name="cancellationToken">Gives up.</param>
    internal async Task<KeptFile> EndAsync(
        string account, string id, string purpose, string name, long bytes, TimeSpan? lifetime, bool isHidden, CancellationToken cancellationToken)
    {
        DateTimeOffset now = clock.GetUtcNow();
        var file = new KeptFile(id, account, purpose, name, bytes, now, now + lifetime);
        await database.ExecuteAsync(
            "UPDATE files SET purpose = @purpose, name = @name, size = @size, created = @created, expires = @expires, is_whole = @whole WHERE id = @id",
            cancellationToken,
            ("@id", id),
            ("@purpose", purpose),
            ("@whole", isHidden ? Hidden : Shown),
            ("@name", cipher.Encrypt(Encoding.UTF8.GetBytes(name), Table, account, id)),
            ("@size", bytes),
            ("@created", StoredTime.Write(now)),
            ("@expires", file.Expires is { } expires ? StoredTime.Write(expires) : Never));
        return file;
    }

    /// <summary>The file, or null.</summary>
    internal Task<KeptFile?> FindAsync(string account, string id, CancellationToken cancellationToken) => FindAsync(account, id, Shown, cancellationToken);

    /// <summary>The file that is a part of something else, or null.</summary>
    internal Task<KeptFile?> FindHiddenAsync(string account, string id, CancellationToken cancellationToken) => FindAsync(account, id, Hidden, cancellationToken);

    async Task<KeptFile?> FindAsync(string account, string id, long state, CancellationToken cancellationToken) => (await database.QueryAsync(
        $"SELECT {Columns} FROM files WHERE id = @id AND account_id = @account AND expires > @now AND is_whole = @state",
        Read,
        cancellationToken,
        ("@id", id), ("@account", account), ("@now", Now()), ("@state", state))).FirstOrDefault();

    /// <summary>An account's files.</summary>
    /// <param name="account">The account.</param>
    /// <param name="purpose">Only those for this, or null for all.</param>
    /// <param name="after">The file that the page begins behind, or null.</param>
    /// <param name="isAscending">Oldest first.</param>
    /// <param name="limit">Files at most.</param>
    /// <param name="cancellationToken">Gives up.</param>
    internal Task<IReadOnlyList<KeptFile>> ListAsync(
        string account, string? purpose, KeptFile? after, bool isAscending, int limit, CancellationToken cancellationToken) => database.QueryAsync(
        $"""
        SELECT {Columns} FROM files WHERE account_id = @account AND expires > @now AND is_whole = 1
        AND (@purpose = '' OR purpose = @purpose) AND (@after = '' OR (created, id) {(isAscending ? ">" : "<")} (@created, @after))
        ORDER BY created {(isAscending ? "ASC" : "DESC")}, id {(isAscending ? "ASC" : "DESC")} LIMIT @limit
        """,
        Read,
        cancellationToken,
        ("@account", account),
        ("@now", Now()),
        ("@purpose", purpose ?? ""),
        ("@after", after?.Id ?? ""),
        ("@created", after is null ? "" : StoredTime.Write(after.Created)),
        ("@limit", (long)limit));

    /// <summary>A file's bytes, piece by piece.</summary>
    internal async IAsyncEnumerable<byte[]> ReadAsync(KeptFile file, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        for (int number = 0; ; number++)
        {
            IReadOnlyList<byte[]> part = await database.QueryAsync(
                "SELECT content FROM file_parts WHERE file_id = @id AND number = @number",
                row => row.GetFieldValue<byte[]>(0),
                cancellationToken,
                ("@id", file.Id), ("@number", (long)number));
            if (part.Count == 0)
                yield break;
            yield return cipher.Decrypt(part[0], PartsTable, file.AccountId, file.Id, $"{number}");
        }
    }

    /// <summary>Removes a file, whole or not; says whether there was one.</summary>
    internal async Task<bool> RemoveAsync(string account, string id, CancellationToken cancellationToken)
    {
        bool removed = await database.ExecuteAsync(
            "DELETE FROM files WHERE id = @id AND account_id = @account AND expires > @now", cancellationToken, ("@id", id), ("@account", account), ("@now", Now())) == 1;
        if (removed)
            await database.ExecuteAsync("DELETE FROM file_parts WHERE file_id = @id", cancellationToken, ("@id", id));
        return removed;
    }

    /// <summary>Removes what is too old, and pieces that are of no file.</summary>
    internal async Task<int> SweepAsync(CancellationToken cancellationToken)
    {
        int removed = await database.ExecuteAsync("DELETE FROM files WHERE expires <= @now", cancellationToken, ("@now", Now()));
        await database.ExecuteAsync("DELETE FROM file_parts WHERE file_id NOT IN (SELECT id FROM files)", cancellationToken);
        return removed;
    }

    KeptFile Read(DbDataReader row)
    {
        (string id, string account, string expires) = (row.GetString(0), row.GetString(1), row.GetString(6));
        string name = Encoding.UTF8.GetString(cipher.Decrypt(row.GetFieldValue<byte[]>(3), Table, account, id));
        return new KeptFile(
            id, account, row.GetString(2), name, row.GetInt64(4), StoredTime.Read(row.GetString(5)), expires == Never ? null : StoredTime.Read(expires));
    }

    string Now() => StoredTime.Write(clock.GetUtcNow());
}
