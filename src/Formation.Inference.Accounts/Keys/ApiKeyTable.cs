using System.Data.Common;
using System.Globalization;
using Formation.Inference.Storage;

namespace Formation.Inference.Accounts.Keys;

/// <summary>The table of keys.</summary>
internal sealed class ApiKeyTable
{
    const string Columns = "id, name, account_id, scopes, display, created, expires, revoked, last_used";

    static readonly Schema Tables = new("api_keys", sql =>
        $"""
        CREATE TABLE IF NOT EXISTS api_keys (
            id {sql.Text} PRIMARY KEY,
            hash {sql.Bytes} NOT NULL,
            name {sql.Text} NOT NULL,
            account_id {sql.Text} NOT NULL,
            scopes {sql.Text} NOT NULL,
            display {sql.Text} NOT NULL,
            created {sql.Text} NOT NULL,
            expires {sql.Text},
            revoked {sql.Text},
            last_used {sql.Text}
        ){sql.TableEnd}
        """,
        sql => $"CREATE TABLE key_pepper (id {sql.Integer} PRIMARY KEY, proof {sql.Bytes} NOT NULL, origin {sql.Text} NOT NULL){sql.TableEnd}");

    readonly Database _database;

    internal ApiKeyTable(Database database)
    {
        _database = database;
        database.Prepare(Tables);
    }

    internal bool IsEmpty() => _database.Query("SELECT id FROM api_keys LIMIT 1", row => row.GetString(0)).Count == 0;

    /// <summary>The key and its hash, or null.</summary>
    internal async Task<(ApiKey Key, byte[] Hash)?> FindAsync(string id, CancellationToken cancellationToken)
    {
        IReadOnlyList<(ApiKey, byte[])> rows = await _database.QueryAsync(
            $"SELECT {Columns}, hash FROM api_keys WHERE id = @id", row => (Read(row), row.GetFieldValue<byte[]>(9)), cancellationToken, ("@id", id));
        return rows.Count == 0 ? null : rows[0];
    }

    /// <summary>All keys, oldest first.</summary>
    internal IReadOnlyList<ApiKey> List() => _database.Query($"SELECT {Columns} FROM api_keys ORDER BY created, id", Read);

    /// <summary>The pepper that all keys depend on; null where no key depends on any.</summary>
    internal PepperProof? FindPepper() => _database.Query(
        "SELECT proof, origin FROM key_pepper", row => new PepperProof(row.GetFieldValue<byte[]>(0), row.GetString(1))).SingleOrDefault();

    /// <summary>Says which pepper all keys depend on. False where that was said before.</summary>
    internal bool TryKeepPepper(PepperProof pepper)
    {
        using var transaction = _database.Begin();
        bool isFirst = TryKeep(transaction, pepper);
        transaction.Commit();
        return isFirst;
    }

    /// <summary>
    /// Adds the key, and says which pepper it depends on where it is the first; with <paramref name="onlyIfFirst"/> adds it only then. Says
    /// whether it did.
    /// </summary>
    internal bool Insert(ApiKey key, byte[] hash, PepperProof pepper, bool onlyIfFirst)
    {
        using var transaction = _database.Begin();
        // Of several that come here at once one finds no row; the others wait for it.
        if (!TryKeep(transaction, pepper) && onlyIfFirst)
            return false;
        transaction.Execute(
            """
            INSERT INTO api_keys (id, hash, name, account_id, scopes, display, created, expires)
            VALUES (@id, @hash, @name, @account, @scopes, @display, @created, @expires)
            """,
            ("@id", key.Id),
            ("@hash", hash),
            ("@name", key.Name),
            ("@account", key.AccountId),
            ("@scopes", key.Scopes.ToString()),
            ("@display", key.Display),
            ("@created", StoredTime.Write(key.Created)),
            ("@expires", key.Expires is { } expires ? StoredTime.Write(expires) : null));
        transaction.Commit();
        return true;
    }

    static bool TryKeep(DatabaseTransaction transaction, PepperProof pepper) => transaction.Execute(
        "INSERT INTO key_pepper (id, proof, origin) VALUES (1, @proof, @origin) ON CONFLICT (id) DO NOTHING",
        ("@proof", pepper.Proof), ("@origin", pepper.Origin)) == 1;

    /// <summary>Revokes the key; says whether there is such a key. A second time changes nothing.</summary>
    internal bool Revoke(string id, DateTimeOffset time) => _database.Execute(
        "UPDATE api_keys SET revoked = COALESCE(revoked, @time) WHERE id = @id", ("@id", id), ("@time", StoredTime.Write(time))) == 1;

    internal Task TouchAsync(string id, DateOnly day, CancellationToken cancellationToken) => _database.ExecuteAsync(
        "UPDATE api_keys SET last_used = @day WHERE id = @id", cancellationToken, ("@id", id), ("@day", day.ToString("O", CultureInfo.InvariantCulture)));

    static ApiKey Read(DbDataReader row) => new(
        row.GetString(0),
        row.GetString(1),
        row.GetString(2),
        Enum.Parse<KeyScopes>(row.GetString(3)),
        row.GetString(4),
        StoredTime.Read(row.GetString(5)))
    {
        Expires = row.IsDBNull(6) ? null : StoredTime.Read(row.GetString(6)),
        Revoked = row.IsDBNull(7) ? null : StoredTime.Read(row.GetString(7)),
        LastUsed = row.IsDBNull(8) ? null : DateOnly.ParseExact(row.GetString(8), "O", CultureInfo.InvariantCulture),
    };
}
