using Formation.Inference.Accounts.Keys;
using Formation.Inference.Storage;

namespace Formation.Inference.Gateway.Contents;

/// <summary>
/// What the server keeps of users' texts because they asked for it: encrypted, owned by an account, for a time and up to a size. Safe to use from
/// any thread.
/// </summary>
public sealed class ContentStore
{
    /// <summary>How long a response is kept, or a chat completion.</summary>
    public static readonly TimeSpan ResponseLifetime = TimeSpan.FromDays(30);

    static readonly Schema Tables = new("contents",
        sql => $"CREATE TABLE content_key (id {sql.Integer} PRIMARY KEY, proof {sql.Bytes} NOT NULL){sql.TableEnd}",
        ResponseTable.Make,
        sql => ResponseTable.MakeIndex,
        FileTable.Make,
        FileTable.MakeParts,
        sql => FileTable.MakeIndex,
        BatchTable.Make,
        BatchTable.MakeResults,
        sql => BatchTable.MakeIndex,
        BatchTable.AddDialect,
        CompletionTable.Make,
        sql => CompletionTable.MakeIndex,
        ResponseTable.AddState,
        OpenResponseTable.Make,
        ResponseEventTable.Make);

    ContentStore(Database database, ContentKey key, TimeProvider clock, long maxBytesPerAccount)
    {
        var cipher = new ContentCipher(key);
        Responses = new ResponseTable(database, cipher, clock, maxBytesPerAccount);
        OpenResponses = new OpenResponseTable(database, cipher, Responses, clock);
        ResponseEvents = new ResponseEventTable(database, cipher, clock);
        Completions = new CompletionTable(database, cipher, clock, maxBytesPerAccount);
        Files = new FileTable(database, cipher, clock, maxBytesPerAccount);
        Batches = new BatchTable(database, cipher, clock);
    }

    internal ResponseTable Responses { get; }

    internal OpenResponseTable OpenResponses { get; }

    internal ResponseEventTable ResponseEvents { get; }

    internal CompletionTable Completions { get; }

    internal FileTable Files { get; }

    internal BatchTable Batches { get; }

    /// <summary>Opens the store in a database, which stays the caller's, with the <c>accounts.pepper</c> of a data directory.</summary>
    /// <param name="database">The database.</param>
    /// <param name="dataDirectory">The folder of the server's secrets.</param>
    /// <param name="clock">Says what is too old.</param>
    /// <param name="maxBytesPerAccount">Bytes of responses that are kept for one account, of which the oldest go first; the same of its chat completions, and bytes of its files.</param>
    /// <exception cref="InvalidDataException">The pepper is missing though contents depend on it, or is another one.</exception>
    /// <exception cref="IOException">The directory can't be written.</exception>
    /// <exception cref="StorageException">The database fails.</exception>
    public static ContentStore Open(Database database, string dataDirectory, TimeProvider clock, long maxBytesPerAccount = 1L << 30)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(maxBytesPerAccount);
        database.Prepare(Tables);
        ContentKey key = ContentKey.Open(dataDirectory, mayCreate: FindProof(database) is null);
        // Of several gateways that start on one database at once, one says which key counts.
        database.Execute("INSERT INTO content_key (id, proof) VALUES (1, @proof) ON CONFLICT (id) DO NOTHING", ("@proof", key.Proof));
        return FindProof(database)!.AsSpan().SequenceEqual(key.Proof)
            ? new ContentStore(database, key, clock, maxBytesPerAccount)
            : throw new InvalidDataException(
                $"The key file '{Path.Combine(dataDirectory, "accounts.pepper")}' is another one than that which the kept responses depend on. "
                + "Restore it from a copy, or copy it from another gateway on the same database.");
    }

    /// <summary>Removes what is too old.</summary>
    /// <returns>How many rows went.</returns>
    internal async Task<int> SweepAsync(CancellationToken cancellationToken) =>
        await Responses.SweepAsync(cancellationToken) + await OpenResponses.SweepAsync(cancellationToken) + await ResponseEvents.SweepAsync(cancellationToken)
        + await Completions.SweepAsync(cancellationToken)
        + await Files.SweepAsync(cancellationToken) + await Batches.SweepAsync(cancellationToken);

    static byte[]? FindProof(Database database) =>
        database.Query("SELECT proof FROM content_key", row => row.GetFieldValue<byte[]>(0)).SingleOrDefault();
}
