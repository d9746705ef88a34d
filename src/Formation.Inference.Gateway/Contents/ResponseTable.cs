using Formation.Inference.Storage;

namespace Formation.Inference.Gateway.Contents;

/// <summary>A response as it is kept.</summary>
/// <param name="Id">Its id.</param>
/// <param name="AccountId">Whose it is: nobody else finds it.</param>
/// <param name="Previous">The response that it goes on with, or null.</param>
/// <param name="Answer">The response as clients get it, as JSON.</param>
/// <param name="Items">What went in and what came out, as JSON.</param>
internal sealed record KeptResponse(string Id, string AccountId, string? Previous, byte[] Answer, byte[] Items);

/// <summary>How long the conversation is that ends with a response.</summary>
/// <param name="Depth">Responses, this one included.</param>
/// <param name="Bytes">What their items take.</param>
internal readonly record struct ChainLength(long Depth, long Bytes);

/// <summary>Whether a response has ended. The numbers are the table's and never change.</summary>
internal enum ResponseState
{
    /// <summary>It was answered.</summary>
    Answered = 0,

    /// <summary>It waits or runs in the background.</summary>
    Open = 1,

    /// <summary>It failed or was cancelled: there is nothing to go on with.</summary>
    Unanswered = 2,
}

/// <summary>The table of responses. What is too old is not found, removed or not.</summary>
internal sealed class ResponseTable(Database database, ContentCipher cipher, TimeProvider clock, long maxBytesPerAccount)
{
    const string Table = "responses", Answer = "answer", Items = "items";

    internal static string Make(SqlDialect sql) =>
        $"""
        CREATE TABLE responses (
            id {sql.Text} PRIMARY KEY,
            account_id {sql.Text} NOT NULL,
            previous {sql.Text},
            created {sql.Text} NOT NULL,
            expires {sql.Text} NOT NULL,
            size {sql.Integer} NOT NULL,
            chain_depth {sql.Integer} NOT NULL,
            chain_bytes {sql.Integer} NOT NULL,
            answer {sql.Bytes} NOT NULL,
            items {sql.Bytes} NOT NULL
        ){sql.TableEnd}
        """;

    internal const string MakeIndex = "CREATE INDEX responses_of_account ON responses (account_id, created, size)";

    internal static string AddState(SqlDialect sql) => $"ALTER TABLE responses ADD COLUMN state {sql.Integer} NOT NULL DEFAULT 0";

    /// <summary>Keeps a response, and lets the account's oldest ones go where it has too many.</summary>
    /// <param name="response">The response.</param>
    /// <param name="before">The length of the conversation before it.</param>
    /// <param name="cancellationToken">Gives up.</param>
    internal Task KeepAsync(KeptResponse response, ChainLength before, CancellationToken cancellationToken) =>
        KeepAsync(response, before, ResponseState.Answered, cancellationToken);

    /// <inheritdoc cref="KeepAsync(KeptResponse, ChainLength, CancellationToken)"/>
    internal async Task KeepAsync(KeptResponse response, ChainLength before, ResponseState state, CancellationToken cancellationToken)
    {
        (string id, string account) = (response.Id, response.AccountId);
        byte[] answer = cipher.Encrypt(response.Answer, Table, Answer, account, id), items = cipher.Encrypt(response.Items, Table, Items, account, id);
        DateTimeOffset now = clock.GetUtcNow();
        await database.ExecuteAsync(
            """
            INSERT INTO responses (id, account_id, previous, created, expires, size, chain_depth, chain_bytes, answer, items, state)
            VALUES (@id, @account, @previous, @created, @expires, @size, @depth, @bytes, @answer, @items, @state)
            """,
            cancellationToken,
            ("@id", id),
            ("@account", account),
            ("@previous", response.Previous),
            ("@created", StoredTime.Write(now)),
            ("@expires", StoredTime.Write(now + ContentStore.ResponseLifetime)),
            ("@size", (long)answer.Length + items.Length),
            ("@depth", before.Depth + 1),
            ("@bytes", before.Bytes + response.Items.Length),
            ("@answer", answer),
            ("@items", items),
            ("@state", (long)state));
        await AccountRoom.MakeAsync(database, Table, account, maxBytesPerAccount, cancellationToken);
    }

    /// <summary>The response as clients get it, or null.</summary>
    internal Task<byte[]?> FindAnswerAsync(string account, string id, CancellationToken cancellationToken) =>
        FindAsync(account, id, Answer, cancellationToken);

    /// <summary>What went in and came out, or null.</summary>
    internal Task<byte[]?> FindItemsAsync(string account, string id, CancellationToken cancellationToken) =>
        FindAsync(account, id, Items, cancellationToken);

    /// <summary>Whether a response has ended, or null where there is no such response.</summary>
    internal async Task<ResponseState?> FindStateAsync(string account, string id, CancellationToken cancellationToken)
    {
        IReadOnlyList<ResponseState> rows = await database.QueryAsync(
            "SELECT state FROM responses WHERE id = @id AND account_id = @account AND expires > @now",
            row => (ResponseState)row.GetInt64(0),
            cancellationToken,
            ("@id", id), ("@account", account), ("@now", Now()));
        return rows.Count == 0 ? null : rows[0];
    }

    /// <summary>How long the conversation is that ends with a response, or null where there is no such response.</summary>
    internal async Task<ChainLength?> FindLengthAsync(string account, string id, CancellationToken cancellationToken)
    {
        IReadOnlyList<ChainLength> rows = await database.QueryAsync(
            "SELECT chain_depth, chain_bytes FROM responses WHERE id = @id AND account_id = @account AND expires > @now",
            row => new ChainLength(row.GetInt64(0), row.GetInt64(1)),
            cancellationToken,
            ("@id", id), ("@account", account), ("@now", Now()));
        return rows.Count == 0 ? null : rows[0];
    }

    /// <summary>The items of a conversation, response by response, oldest first. Begins where an earlier response is gone.</summary>
    internal async Task<IReadOnlyList<byte[]>> FindChainAsync(string account, string id, long depth, CancellationToken cancellationToken)
    {
        IReadOnlyList<(string Id, byte[] Items)> rows = await database.QueryAsync(
            """
            WITH RECURSIVE chain (id, previous, items, back) AS (
                SELECT id, previous, items, 1 FROM responses WHERE id = @id AND account_id = @account AND expires > @now
                UNION ALL
                SELECT each.id, each.previous, each.items, chain.back + 1 FROM responses AS each JOIN chain ON each.id = chain.previous
                WHERE each.account_id = @account AND each.expires > @now AND chain.back < @depth
            )
            SELECT id, items FROM chain ORDER BY back DESC
            """,
            row => (row.GetString(0), row.GetFieldValue<byte[]>(1)),
            cancellationToken,
            ("@id", id), ("@account", account), ("@now", Now()), ("@depth", depth));
        return [.. rows.Select(row => cipher.Decrypt(row.Items, Table, Items, account, row.Id))];
    }

    /// <summary>Writes how an open response stands, as long as it is somebody's to run.</summary>
    /// <param name="response">The response, whose id and account are those of the one that is there.</param>
    /// <param name="before">The length of the conversation before it.</param>
    /// <param name="state">What it has become.</param>
    /// <param name="holder">Who has to hold it, or null where it does not matter.</param>
    /// <param name="cancellationToken">Gives up.</param>
    /// <returns>False where it has ended or is gone, or another one holds it.</returns>
    internal async Task<bool> UpdateAsync(
        KeptResponse response, ChainLength before, ResponseState state, string? holder, CancellationToken cancellationToken)
    {
        (string id, string account) = (response.Id, response.AccountId);
        byte[] answer = cipher.Encrypt(response.Answer, Table, Answer, account, id), items = cipher.Encrypt(response.Items, Table, Items, account, id);
        return await database.ExecuteAsync(
            $"""
            UPDATE responses SET answer = @answer, items = @items, size = @size, chain_bytes = @bytes, state = @state
            WHERE id = @id AND account_id = @account AND state = {(long)ResponseState.Open}
            AND (@holder = '' OR EXISTS (SELECT 1 FROM open_responses WHERE id = @id AND holder = @holder))
            """,
            cancellationToken,
            ("@answer", answer),
            ("@items", items),
            ("@size", (long)answer.Length + items.Length),
            ("@bytes", before.Bytes + response.Items.Length),
            ("@state", (long)state),
            ("@id", id),
            ("@account", account),
            ("@holder", holder ?? "")) == 1;
    }

    /// <summary>Writes the answer of an open response that is to end without one; false where it has ended or is gone.</summary>
    internal async Task<bool> EndUnansweredAsync(string account, string id, byte[] answer, CancellationToken cancellationToken) => await database.ExecuteAsync(
        $"""
        UPDATE responses SET answer = @answer, state = {(long)ResponseState.Unanswered}
        WHERE id = @id AND account_id = @account AND state = {(long)ResponseState.Open}
        """,
        cancellationToken,
        ("@answer", cipher.Encrypt(answer, Table, Answer, account, id)), ("@id", id), ("@account", account)) == 1;

    /// <summary>Removes a response; says whether there was one.</summary>
    internal async Task<bool> RemoveAsync(string account, string id, CancellationToken cancellationToken) => await database.ExecuteAsync(
        "DELETE FROM responses WHERE id = @id AND account_id = @account AND expires > @now",
        cancellationToken,
        ("@id", id), ("@account", account), ("@now", Now())) == 1;

    /// <summary>Removes what is too old.</summary>
    internal Task<int> SweepAsync(CancellationToken cancellationToken) =>
        database.ExecuteAsync("DELETE FROM responses WHERE expires <= @now", cancellationToken, ("@now", Now()));

    async Task<byte[]?> FindAsync(string account, string id, string column, CancellationToken cancellationToken)
    {
        IReadOnlyList<byte[]> rows = await database.QueryAsync(
            $"SELECT {column} FROM responses WHERE id = @id AND account_id = @account AND expires > @now",
            row => row.GetFieldValue<byte[]>(0),
            cancellationToken,
            ("@id", id), ("@account", account), ("@now", Now()));
        return rows.Count == 0 ? null : cipher.Decrypt(rows[0], Table, column, account, id);
    }

    string Now() => StoredTime.Write(clock.GetUtcNow());
}
