using Formation.Inference.Storage;

namespace Formation.Inference.Gateway.Contents;

/// <summary>Events of a response that lie together.</summary>
/// <param name="First">The number of the first one.</param>
/// <param name="Content">Their JSON, each followed by a line break.</param>
internal sealed record KeptEvents(int First, byte[] Content);

/// <summary>
/// The table of the events of streamed responses in the background, in pieces, so that a stream that broke goes on at any gateway. Its last event is not
/// among them: that is the response itself.
/// </summary>
internal sealed class ResponseEventTable(Database database, ContentCipher cipher, TimeProvider clock)
{
    const string Table = "response_events";

    /// <summary>How long events are kept behind the end of their response.</summary>
    internal static readonly TimeSpan Lifetime = TimeSpan.FromHours(1);

    internal static string Make(SqlDialect sql) =>
        $"""
        CREATE TABLE response_events (
            response_id {sql.Text} NOT NULL,
            first_event {sql.Integer} NOT NULL,
            expires {sql.Text} NOT NULL,
            content {sql.Bytes} NOT NULL,
            PRIMARY KEY (response_id, first_event)
        ){sql.TableEnd}
        """;

    /// <summary>Keeps further events of a response; false where it has ended, or another gateway runs it.</summary>
    internal async Task<bool> TryAddAsync(string holder, string account, string id, KeptEvents events, CancellationToken cancellationToken) =>
        await database.ExecuteAsync(
            $"""
            INSERT INTO response_events (response_id, first_event, expires, content)
            SELECT @id, @first, @expires, @content FROM responses JOIN open_responses ON open_responses.id = responses.id
            WHERE responses.id = @id AND open_responses.holder = @holder AND responses.state = {(long)ResponseState.Open}
            """,
            cancellationToken,
            ("@id", id),
            ("@first", (long)events.First),
            ("@expires", StoredTime.Write(clock.GetUtcNow() + ContentStore.ResponseLifetime)),
            ("@content", cipher.Encrypt(events.Content, Table, account, id, $"{events.First}")),
            ("@holder", holder)) == 1;

    /// <summary>The piece that has an event, or the first one behind it; null where there is none.</summary>
    internal async Task<KeptEvents?> FindAsync(string account, string id, int sequence, CancellationToken cancellationToken)
    {
        // The piece before may have it: where each ends is not written.
        IReadOnlyList<KeptEvents> pieces = await database.QueryAsync(
            """
            SELECT first_event, content FROM response_events WHERE response_id = @id AND expires > @now
            AND first_event >= COALESCE((SELECT MAX(first_event) FROM response_events WHERE response_id = @id AND first_event <= @sequence), 0)
            ORDER BY first_event LIMIT 2
            """,
            row => new KeptEvents((int)row.GetInt64(0), row.GetFieldValue<byte[]>(1)),
            cancellationToken,
            ("@id", id), ("@sequence", (long)sequence), ("@now", Now()));
        foreach (KeptEvents piece in pieces)
        {
            byte[] content = cipher.Decrypt(piece.Content, Table, account, id, $"{piece.First}");
            if (piece.First + CountOf(content) > sequence)
                return piece with { Content = content };
        }

        return null;
    }

    /// <summary>The number of the first event that is not kept yet.</summary>
    internal async Task<int> FindNextAsync(string account, string id, CancellationToken cancellationToken)
    {
        IReadOnlyList<KeptEvents> last = await database.QueryAsync(
            "SELECT first_event, content FROM response_events WHERE response_id = @id ORDER BY first_event DESC LIMIT 1",
            row => new KeptEvents((int)row.GetInt64(0), row.GetFieldValue<byte[]>(1)),
            cancellationToken,
            ("@id", id));
        return last.Count == 0 ? 0 : last[0].First + CountOf(cipher.Decrypt(last[0].Content, Table, account, id, $"{last[0].First}"));
    }

    /// <summary>Begins the time after which a response's events go.</summary>
    internal Task EndAsync(string id, CancellationToken cancellationToken) => database.ExecuteAsync(
        "UPDATE response_events SET expires = @expires WHERE response_id = @id", cancellationToken,
        ("@id", id), ("@expires", StoredTime.Write(clock.GetUtcNow() + Lifetime)));

    /// <summary>Forgets a response's events.</summary>
    internal Task RemoveAsync(string id, CancellationToken cancellationToken) =>
        database.ExecuteAsync("DELETE FROM response_events WHERE response_id = @id", cancellationToken, ("@id", id));

    /// <summary>Removes what is too old, and what has no response any more.</summary>
    internal Task<int> SweepAsync(CancellationToken cancellationToken) => database.ExecuteAsync(
        "DELETE FROM response_events WHERE expires <= @now OR response_id NOT IN (SELECT id FROM responses)", cancellationToken, ("@now", Now()));

    static int CountOf(byte[] content) => content.AsSpan().Count((byte)'\n');

    string Now() => StoredTime.Write(clock.GetUtcNow());
}
