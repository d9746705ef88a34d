using Formation.Inference.Cluster.Gateways;
using Formation.Inference.Storage;
using Formation.Inference.Testing.Databases;

namespace Formation.Inference.Cluster.Tests.Gateways;

/// <summary>What the log of decisions promises, on every engine.</summary>
public abstract class DecisionLogConformance(TestDatabase database) : IDisposable
{
    [Fact]
    public void The_newest_come_last_whoever_wrote_them()
    {
        var (here, there) = (Open(), Open());
        here.Add("a", "joined", "by a token");
        there.Add("b", "joined", "by a token");
        here.Add("a", "lost", "silent for 10 s");

        Assert.Equal([("a", "joined"), ("b", "joined"), ("a", "lost")], there.Newest(null, 10).Select(entry => (entry.Node, entry.Kind)));
        Assert.Equal(["b", "a"], there.Newest(null, 2).Select(entry => entry.Node));
        Assert.Equal(["joined", "lost"], there.Newest("a", 10).Select(entry => entry.Kind));
        Assert.Equal("silent for 10 s", Assert.Single(there.Newest("a", 1)).Reason);
        Assert.Empty(there.Newest("c", 10));
    }

    [Fact]
    public void An_entry_has_the_time_of_the_databases_clock()
    {
        var log = Open();
        log.Add("a", "joined", "");
        var clock = database.Open();
        var now = clock.Query($"SELECT {clock.Dialect.Now}", row => row.GetInt64(0)).Single();
        Assert.InRange(log.Newest(null, 1).Single().Time.ToUnixTimeMilliseconds(), now - 3_600_000, now);
    }

    [Fact]
    public void The_same_a_second_time_in_a_row_is_left_out()
    {
        var log = Open();
        for (var i = 0; i < 3; i++)
            log.Add("a", "refused", "no such token");
        log.Add("b", "refused", "no such token");
        log.Add("a", "refused", "no such token");
        Assert.Equal(["a", "b", "a"], log.Newest(null, 10).Select(entry => entry.Node));
    }

    [Fact]
    public void A_character_that_no_database_holds_is_left_out()
    {
        var log = Open();
        log.Add("a\0b", "refused", "it said '\0'");
        Assert.Equal("it said ''", Assert.Single(log.Newest("ab", 10)).Reason);
    }

    [Fact]
    public void As_many_are_kept_as_it_has_room_for()
    {
        var log = Open();
        var rows = database.Open();
        rows.Execute(
            $"""
            WITH RECURSIVE numbers (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM numbers WHERE n < {DecisionLog.Capacity + 5})
            INSERT INTO decisions (time, subject, kind, reason) SELECT n, 'old', 'kind', 'reason' FROM numbers
            """);
        log.Add("new", "kind", "reason");

        Assert.Equal(DecisionLog.Capacity, Count(rows));
        Assert.Equal("new", log.Newest(null, 1).Single().Node);
        Assert.Equal(7, log.Newest(null, DecisionLog.Capacity)[0].Time.ToUnixTimeMilliseconds());
    }

    [Fact]
    public async Task Many_write_at_once()
    {
        await Contention.RunAsync(8, Open, (log, i) =>
        {
            for (var round = 0; round < 10; round++)
                log.Add($"{i}", "kind", $"{round}");
            return true;
        });
        Assert.Equal(80, Count(database.Open()));
        for (var i = 0; i < 8; i++)
            Assert.Equal(Enumerable.Range(0, 10).Select(round => $"{round}"), Open().Newest($"{i}", 100).Select(entry => entry.Reason));
    }

    public void Dispose() => database.Dispose();

    private static long Count(Database rows) => rows.Query("SELECT count(*) FROM decisions", row => row.GetInt64(0)).Single();

    private DecisionLog Open() => DecisionLog.Open(database.Open());
}

public sealed class DecisionLogOnSqliteTests() : DecisionLogConformance(new SqliteTestDatabase());

public sealed class DecisionLogOnPostgresTests(PostgresServer server) : DecisionLogConformance(server.CreateDatabase());
