using Formation.Inference.Storage;

namespace Formation.Inference.Gateway.Contents;

/// <summary>A response in the background that somebody holds.</summary>
/// <param name="Id">Its id.</param>
/// <param name="AccountId">Whose it is.</param>
/// <param name="Attempt">How often somebody has begun with it, from 1.</param>
internal sealed record OpenResponse(string Id, string AccountId, int Attempt);

/// <summary>
/// The table of what runs in the background: what was asked, and who works on it. Of several gateways the one that holds a response runs it; who holds
/// it says so again before its time is over, which is counted on the database's clock. Whether a response has ended is in <see cref="ResponseTable"/>
/// alone, so that it ends in one statement; a row that is left here behind its end is removed by whoever finds it.
/// </summary>
internal sealed class OpenResponseTable(Database database, ContentCipher cipher, ResponseTable responses, TimeProvider clock)
{
    /// <summary>Responses that one account may have waiting or running in the background.</summary>
    internal const int MaxOpen = 64;

    const string Table = "open_responses";
    const long HoldMilliseconds = 10_000;
    const int IdsAtOnce = 64;

    internal static string Make(SqlDialect sql) =>
        $"""
        CREATE TABLE open_responses (
            id {sql.Text} PRIMARY KEY,
            account_id {sql.Text} NOT NULL,
            expires {sql.Text} NOT NULL,
            holder {sql.Text} NOT NULL,
            held_until {sql.Integer} NOT NULL,
            attempts {sql.Integer} NOT NULL,
            request {sql.Bytes} NOT NULL
        ){sql.TableEnd}
        """;

    /// <summary>Keeps a response that is to be run, held by a gateway; false where the account has too many.</summary>
    internal async Task<bool> TryAddAsync(string holder, KeptResponse begun, ChainLength before, byte[] request, CancellationToken cancellationToken)
    {
        (string id, string account) = (begun.Id, begun.AccountId);
        IReadOnlyList<long> open = await database.QueryAsync(
            "SELECT count(*) FROM open_responses WHERE account_id = @account", row => row.GetInt64(0), cancellationToken, ("@account", account));
        if (open[0] >= MaxOpen)
            return false;

        // What is asked comes first: without it a response would wait for ever, and without a response it is only removed.
        await database.ExecuteAsync(
            $"""
            INSERT INTO open_responses (id, account_id, expires, holder, held_until, attempts, request)
            VALUES (@id, @account, @expires, @holder, {database.Dialect.Now} + {HoldMilliseconds}, 1, @request)
            """,
            cancellationToken,
            ("@id", id),
            ("@account", account),
            ("@expires", StoredTime.Write(clock.GetUtcNow() + ContentStore.ResponseLifetime)),
            ("@holder", holder),
            ("@request", cipher.Encrypt(request, Table, account, id)));
        await responses.KeepAsync(begun, before, ResponseState.Open, cancellationToken);
        return true;
    }

    /// <summary>What was asked, or null where the response is not there any more.</summary>
    internal async Task<byte[]?> FindRequestAsync(OpenResponse response, CancellationToken cancellationToken)
    {
        IReadOnlyList<byte[]> rows = await database.QueryAsync(
            "SELECT request FROM open_responses WHERE id = @id", row => row.GetFieldValue<byte[]>(0), cancellationToken, ("@id", response.Id));
        return rows.Count == 0 ? null : cipher.Decrypt(rows[0], Table, response.AccountId, response.Id);
    }

    /// <summary>Takes a response that nobody works on, or null where there is none.</summary>
    internal async Task<OpenResponse?> TryHoldAsync(string holder, CancellationToken cancellationToken)
    {
        while (true)
        {
            IReadOnlyList<OpenResponse> free = await database.QueryAsync(
                $"SELECT id, account_id, attempts FROM open_responses WHERE held_until <= {database.Dialect.Now} ORDER BY held_until, id LIMIT 1",
                row => new OpenResponse(row.GetString(0), row.GetString(1), (int)row.GetInt64(2) + 1),
                cancellationToken);
            if (free.Count == 0)
                return null;
            if (await database.ExecuteAsync(
                $"""
                UPDATE open_responses SET holder = @holder, held_until = {database.Dialect.Now} + {HoldMilliseconds}, attempts = attempts + 1
                WHERE id = @id AND held_until <= {database.Dialect.Now}
                """,
                cancellationToken,
                ("@holder", holder), ("@id", free[0].Id)) == 1)
                return free[0];
        }
    }

    /// <summary>Holds responses for longer.</summary>
    /// <returns>Those of them that are still the holder's and have not ended.</returns>
    internal async Task<IReadOnlySet<string>> HoldOnAsync(string holder, IEnumerable<string> ids, CancellationToken cancellationToken)
    {
        var held = new HashSet<string>(StringComparer.Ordinal);
        foreach (string[] some in ids.Chunk(IdsAtOnce))
        {
            string names = string.Join(", ", some.Select((_, index) => $"@id{index}"));
            (string, object?)[] parameters = [("@holder", holder), .. some.Select((id, index) => ($"@id{index}", (object?)id))];
            await database.ExecuteAsync(
                $"UPDATE open_responses SET held_until = {database.Dialect.Now} + {HoldMilliseconds} WHERE holder = @holder AND id IN ({names})",
                cancellationToken,
                parameters);
            held.UnionWith(await database.QueryAsync(
                $"""
                SELECT each.id FROM open_responses AS each JOIN responses ON responses.id = each.id
                WHERE each.holder = @holder AND each.id IN ({names}) AND responses.state = {(long)ResponseState.Open}
                """,
                row => row.GetString(0),
                cancellationToken,
                parameters));
        }

        return held;
    }

    /// <summary>Lets what a gateway holds go, so that another one, or itself after a restart, goes on with it. Who leaves in order has not tried in vain.</summary>
    internal Task ReleaseAsync(string holder, CancellationToken cancellationToken) => database.ExecuteAsync(
        "UPDATE open_responses SET held_until = 0, attempts = attempts - 1 WHERE holder = @holder", cancellationToken, ("@holder", holder));

    /// <summary>Forgets what was asked, once the response has ended.</summary>
    internal Task RemoveAsync(string id, CancellationToken cancellationToken) =>
        database.ExecuteAsync("DELETE FROM open_responses WHERE id = @id", cancellationToken, ("@id", id));

    /// <summary>Removes what is too old.</summary>
    internal Task<int> SweepAsync(CancellationToken cancellationToken) => database.ExecuteAsync(
        "DELETE FROM open_responses WHERE expires <= @now", cancellationToken, ("@now", StoredTime.Write(clock.GetUtcNow())));
}
