using System.Data.Common;
using System.Text.Json;
using Formation.Inference.Storage;

namespace Formation.Inference.Gateway.Contents;

/// <summary>A chat completion as it is kept.</summary>
/// <param name="Id">Its id.</param>
/// <param name="AccountId">Whose it is: nobody else finds it.</param>
/// <param name="Model">The model that answered.</param>
/// <param name="Created">When it was kept.</param>
/// <param name="Metadata">What its author notes of it, an object of texts, as JSON.</param>
/// <param name="Answer">The completion as clients get it but for its metadata, as JSON.</param>
internal sealed record KeptCompletion(string Id, string AccountId, string Model, DateTimeOffset Created, byte[] Metadata, byte[] Answer);

/// <summary>The table of chat completions. What is too old is not found, removed or not.</summary>
internal sealed class CompletionTable(Database database, ContentCipher cipher, TimeProvider clock, long maxBytesPerAccount)
{
    const string Table = "chat_completions", Answer = "answer", Metadata = "metadata", Messages = "messages", Tags = "tags";
    const string Columns = "id, account_id, model, created, metadata, answer";

    internal static string Make(SqlDialect sql) =>
        $"""
        CREATE TABLE chat_completions (
            id {sql.Text} PRIMARY KEY,
            account_id {sql.Text} NOT NULL,
            model {sql.Text} NOT NULL,
            tags {sql.Text} NOT NULL,
            created {sql.Text} NOT NULL,
            expires {sql.Text} NOT NULL,
            size {sql.Integer} NOT NULL,
            metadata {sql.Bytes} NOT NULL,
            answer {sql.Bytes} NOT NULL,
            messages {sql.Bytes} NOT NULL
        ){sql.TableEnd}
        """;

    internal const string MakeIndex = "CREATE INDEX chat_completions_of_account ON chat_completions (account_id, created, size)";

    /// <summary>Keeps a completion, and lets the account's oldest ones go where it has too many.</summary>
    /// <param name="completion">The completion.</param>
    /// <param name="messages">What it answers, as JSON.</param>
    /// <param name="cancellationToken">Gives up.</param>
    internal async Task KeepAsync(KeptCompletion completion, byte[] messages, CancellationToken cancellationToken)
    {
        (string id, string account) = (completion.Id, completion.AccountId);
        byte[] sealedMetadata = Seal(completion.Metadata, Metadata, account, id);
        byte[] sealedAnswer = Seal(completion.Answer, Answer, account, id), sealedMessages = Seal(messages, Messages, account, id);
        await database.ExecuteAsync(
            """
            INSERT INTO chat_completions (id, account_id, model, tags, created, expires, size, metadata, answer, messages)
            VALUES (@id, @account, @model, @tags, @created, @expires, @size, @metadata, @answer, @messages)
            """,
            cancellationToken,
            ("@id", id),
            ("@account", account),
            ("@model", completion.Model),
            ("@tags", TagsOf(account, completion.Metadata)),
            ("@created", StoredTime.Write(completion.Created)),
            ("@expires", StoredTime.Write(completion.Created + ContentStore.ResponseLifetime)),
            ("@size", (long)sealedMetadata.Length + sealedAnswer.Length + sealedMessages.Length),
            ("@metadata", sealedMetadata),
            ("@answer", sealedAnswer),
            ("@messages", sealedMessages));
        await AccountRoom.MakeAsync(database, Table, account, maxBytesPerAccount, cancellationToken);
    }

    /// <summary>The completion, or null.</summary>
    internal async Task<KeptCompletion?> FindAsync(string account, string id, CancellationToken cancellationToken) => (await database.QueryAsync(
        $"SELECT {Columns} FROM chat_completions WHERE id = @id AND account_id = @account AND expires > @now", Read, cancellationToken,
        ("@id", id), ("@account", account), ("@now", Now()))).FirstOrDefault();

    /// <summary>What a completion answers, or null where there is none.</summary>
    internal async Task<byte[]?> FindMessagesAsync(string account, string id, CancellationToken cancellationToken)
    {
        IReadOnlyList<byte[]> rows = await database.QueryAsync(
            "SELECT messages FROM chat_completions WHERE id = @id AND account_id = @account AND expires > @now",
            row => row.GetFieldValue<byte[]>(0),
            cancellationToken,
            ("@id", id), ("@account", account), ("@now", Now()));
        return rows.Count == 0 ? null : cipher.Decrypt(rows[0], Table, Messages, account, id);
    }

    /// <summary>An account's completions.</summary>
    /// <param name="account">The account.</param>
    /// <param name="model">Only those of this model, or null for all.</param>
    /// <param name="metadata">Only those that have all of this in their metadata.</param>
    /// <param name="after">The completion that the page begins behind, or null.</param>
    /// <param name="isAscending">Oldest first.</param>
    /// <param name="limit">Completions at most.</param>
    /// <param name="cancellationToken">Gives up.</param>
    internal Task<IReadOnlyList<KeptCompletion>> ListAsync(
        string account, string? model, IReadOnlyList<(string Name, string Value)> metadata, KeptCompletion? after, bool isAscending, int limit,
        CancellationToken cancellationToken)
    {
        string noted = string.Concat(metadata.Select((_, index) => $" AND tags LIKE @tag{index}"));
        string order = isAscending ? "ASC" : "DESC";
        return database.QueryAsync(
            $"""
            SELECT {Columns} FROM chat_completions WHERE account_id = @account AND expires > @now AND (@model = '' OR model = @model){noted}
            AND (@after = '' OR (created, id) {(isAscending ? ">" : "<")} (@created, @after))
            ORDER BY created {order}, id {order} LIMIT @limit
            """,
            Read,
            cancellationToken,
            [
                ("@account", account),
                ("@now", Now()),
                ("@model", model ?? ""),
                .. metadata.Select((pair, index) => ($"@tag{index}", (object?)$"%{TagOf(account, pair.Name, pair.Value)}%")),
                ("@after", after?.Id ?? ""),
                ("@created", after is null ? "" : StoredTime.Write(after.Created)),
                ("@limit", (long)limit),
            ]);
    }

    /// <summary>Writes what a completion's author notes of it; false where there is none.</summary>
    internal async Task<bool> NoteAsync(string account, string id, byte[] metadata, CancellationToken cancellationToken) => await database.ExecuteAsync(
        "UPDATE chat_completions SET metadata = @metadata, tags = @tags WHERE id = @id AND account_id = @account AND expires > @now",
        cancellationToken,
        ("@metadata", Seal(metadata, Metadata, account, id)), ("@tags", TagsOf(account, metadata)), ("@id", id), ("@account", account), ("@now", Now())) == 1;

    /// <summary>Removes a completion; says whether there was one.</summary>
    internal async Task<bool> RemoveAsync(string account, string id, CancellationToken cancellationToken) => await database.ExecuteAsync(
        "DELETE FROM chat_completions WHERE id = @id AND account_id = @account AND expires > @now", cancellationToken,
        ("@id", id), ("@account", account), ("@now", Now())) == 1;

    /// <summary>Removes what is too old.</summary>
    internal Task<int> SweepAsync(CancellationToken cancellationToken) =>
        database.ExecuteAsync("DELETE FROM chat_completions WHERE expires <= @now", cancellationToken, ("@now", Now()));

    /// <summary>Stands for the pairs of the metadata, so that the database finds them without their text.</summary>
    string TagsOf(string account, byte[] metadata)
    {
        using JsonDocument pairs = JsonDocument.Parse(metadata);
        return string.Join(' ', pairs.RootElement.EnumerateObject().Select(pair => TagOf(account, pair.Name, pair.Value.GetString()!)));
    }

    string TagOf(string account, string name, string value) => cipher.TagOf(Table, Tags, account, name, value);

    byte[] Seal(byte[] content, string column, string account, string id) => cipher.Encrypt(content, Table, column, account, id);

    KeptCompletion Read(DbDataReader row)
    {
        (string id, string account) = (row.GetString(0), row.GetString(1));
        return new KeptCompletion(
            id, account, row.GetString(2), StoredTime.Read(row.GetString(3)),
            cipher.Decrypt(row.GetFieldValue<byte[]>(4), Table, Metadata, account, id),
            cipher.Decrypt(row.GetFieldValue<byte[]>(5), Table, Answer, account, id));
    }

    string Now() => StoredTime.Write(clock.GetUtcNow());
}
