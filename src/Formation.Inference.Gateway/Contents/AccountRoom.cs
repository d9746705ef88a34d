using Formation.Inference.Storage;

namespace Formation.Inference.Gateway.Contents;

/// <summary>Lets an account's oldest rows of a table go where they are too large together. The table has id, account_id, created and size.</summary>
internal static class AccountRoom
{
    internal static async Task MakeAsync(Database database, string table, string account, long limit, CancellationToken cancellationToken)
    {
        IReadOnlyList<long> kept = await database.QueryAsync(
            $"SELECT CAST(SUM(size) AS bigint) FROM {table} WHERE account_id = @account", row => row.GetInt64(0), cancellationToken, ("@account", account));
        if (kept[0] > limit)
            await database.ExecuteAsync(
                $"""
                DELETE FROM {table} WHERE id IN (
                    SELECT id FROM (SELECT id, SUM(size) OVER (ORDER BY created DESC, id DESC) AS kept FROM {table} WHERE account_id = @account) AS each
                    WHERE kept > @limit)
                """,
                cancellationToken,
                ("@account", account), ("@limit", limit));
    }
}
