using Formation.Inference.Storage.Engines;
using Formation.Inference.Testing.Databases;

namespace Formation.Inference.Storage.Tests;

/// <summary>PostgreSQL behind a pooler that lends two connections among all, for a transaction at a time; skipped where pgbouncer is not installed.</summary>
public sealed class PooledPostgresTests(PostgresServer server) : IDisposable
{
    private readonly PostgresTestDatabase _database = server.CreateDatabase();

    [Theory, InlineData("transaction"), InlineData("session")]
    public async Task Many_use_it_at_once_and_find_the_tables_where_they_are(string mode)
    {
        using var pooler = Start(mode);
        // Whoever has a connection of a pooler of sessions keeps it.
        var (users, connections) = mode == "session" ? (2, 1) : (6, 4);
        var databases = Enumerable.Range(0, users)
            .Select(_ => PostgresDatabase.Open(pooler.ConnectionString(_database) + $";Pooler=true;Maximum Pool Size={connections}")).ToList();
        try
        {
            var schema = new Schema("things", sql => $"CREATE TABLE things (name {sql.Text} PRIMARY KEY, count {sql.Integer}){sql.TableEnd}");
            await Task.WhenAll(databases.Select(database => Task.Run(() => database.Prepare(schema))));
            Assert.Equal(1, databases[0].Execute("INSERT INTO things (name, count) VALUES (@name, @count)", ("@name", "a"), ("@count", 0L)));

            await Task.WhenAll(databases.Select(async database =>
            {
                for (var i = 0; i < 20; i++)
                {
                    Assert.Equal(1, database.Execute("UPDATE things SET count = count + 1 WHERE name = @name", ("@name", "a")));
                    Assert.Equal(1, await database.ExecuteAsync("UPDATE things SET count = count + 1 WHERE name = @name", TestContext.Current.CancellationToken, ("@name", "a")));
                    using var transaction = database.Begin();
                    transaction.Execute("UPDATE things SET count = count + 1 WHERE name = @name", ("@name", "a"));
                    transaction.Commit();
                }
            }));

            var counted = await databases[0].QueryAsync("SELECT count FROM things", row => row.GetInt64(0), TestContext.Current.CancellationToken);
            Assert.Equal([users * 60L], counted);
            using (var undone = databases[0].Begin())
                undone.Execute("DELETE FROM things");
            Assert.Equal(counted, databases[0].Query("SELECT count FROM things", row => row.GetInt64(0)));
            Assert.True(Assert.Throws<StorageException>(() => databases[0].Execute("INSERT INTO things (name, count) VALUES ('a', 0)")).IsDuplicate);
        }
        finally
        {
            databases.ForEach(database => database.Dispose());
        }
    }

    [Fact]
    public async Task Who_cannot_listen_looks_again_and_again_and_learns_that_the_way_was_lost()
    {
        var pooler = Start("transaction");
        using var database = PostgresDatabase.Open(pooler.ConnectionString(_database) + ";Pooler=true");
        var heard = 0;

        var listening = database.ListenAsync(() => Interlocked.Increment(ref heard), TestContext.Current.CancellationToken);

        await Eventually.TrueAsync(() => Volatile.Read(ref heard) >= 2);
        pooler.Dispose();
        await Assert.ThrowsAsync<StorageException>(() => listening);
    }

    [Theory, InlineData(""), InlineData("ignore_startup_parameters = search_path")]
    public void Who_does_not_say_that_there_is_a_pooler_is_told_so_at_the_start(string more)
    {
        using var pooler = Start("transaction", more);

        var refused = Assert.Throws<StorageException>(() => PostgresDatabase.Open(pooler.ConnectionString(_database)));

        Assert.Contains("Pooler=true", refused.Message, StringComparison.Ordinal);
        Assert.DoesNotContain(PostgresServer.Password, refused.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_server_itself_may_be_called_one() => PostgresDatabase.Open(_database.ConnectionString + ";Pooler=true").Dispose();

    public void Dispose() => _database.Dispose();

    private PgBouncer Start(string mode, string more = "")
    {
        Assert.SkipUnless(PgBouncer.IsInstalled, "Debian's package pgbouncer is not installed");
        return new PgBouncer(server, mode, more);
    }
}
