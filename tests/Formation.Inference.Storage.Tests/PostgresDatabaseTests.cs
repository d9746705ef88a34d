using Formation.Inference.Storage.Engines;
using Formation.Inference.Testing.Databases;

namespace Formation.Inference.Storage.Tests;

public sealed class PostgresDatabaseTests(PostgresServer server) : DatabaseConformance(server.CreateDatabase())
{
    private string ConnectionString => ((PostgresTestDatabase)Test).ConnectionString;

    [Fact]
    public void The_tables_lie_in_a_schema_of_their_own()
    {
        Assert.Equal(
            ["schemas", "things"],
            OpenThings().Query("SELECT table_name FROM information_schema.tables WHERE table_schema = 'formation' ORDER BY 1", row => row.GetString(0)));
    }

    [Fact]
    public async Task Others_learn_of_what_was_committed_and_of_nothing_else()
    {
        var (here, there) = (OpenThings(), OpenThings());
        using var stop = new CancellationTokenSource();
        var (heardHere, heardThere) = (0, 0);
        var listening = Task.WhenAll(
            here.ListenAsync(() => Interlocked.Increment(ref heardHere), stop.Token),
            there.ListenAsync(() => Interlocked.Increment(ref heardThere), stop.Token));
        await Eventually.TrueAsync(() => Volatile.Read(ref heardHere) == 1 && Volatile.Read(ref heardThere) == 1);

        using (var undone = here.Begin())
            undone.TellOthers();
        using (var done = here.Begin())
        {
            done.TellOthers();
            done.Commit();
        }
        await Eventually.TrueAsync(() => Volatile.Read(ref heardThere) == 2);
        using (var done = there.Begin())
        {
            done.TellOthers();
            done.Commit();
        }
        await Eventually.TrueAsync(() => Volatile.Read(ref heardHere) == 2);

        Assert.Equal(2, heardThere);
        stop.Cancel();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => listening);
    }

    [Fact]
    public async Task Who_listens_learns_that_the_connection_was_lost()
    {
        var things = OpenThings();
        var heard = new TaskCompletionSource();
        var listening = things.ListenAsync(heard.SetResult, TestContext.Current.CancellationToken);
        await heard.Task;
        things.Execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE query LIKE 'LISTEN%' AND datname = current_database()");
        await Assert.ThrowsAsync<StorageException>(() => listening);
    }

    [Fact]
    public void Nobody_who_asks_in_vain_reads_a_password()
    {
        var nowhere = Assert.Throws<StorageException>(() => PostgresDatabase.Open("Host=127.0.0.1;Port=1;Username=me;Password=hush-hush;Database=d"));
        Assert.Contains("127.0.0.1:1", nowhere.Message, StringComparison.Ordinal);
        var refused = Assert.Throws<StorageException>(() => PostgresDatabase.Open($"Host={server.Host};Username={PostgresServer.User};Password=hush-hush;Database=postgres"));
        Assert.Contains("28P01", refused.Message, StringComparison.Ordinal);
        foreach (var text in new[] { "hush-hush", "Host=h;Password=hush-hush;hush-hush=1", "Password=hush-hush", "Host=h;Port=hush-hush", "Host=h;Timeout=hush-hush" })
            Assert.DoesNotContain("hush", Assert.Throws<ArgumentException>(() => PostgresDatabase.Open(text)).ToString(), StringComparison.Ordinal);
        Assert.DoesNotContain("hush", nowhere.Message + refused.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Who_may_use_the_schema_need_not_have_the_right_to_make_one()
    {
        var owner = OpenThings();
        owner.Execute("CREATE ROLE lodger LOGIN PASSWORD 'x'; ALTER SCHEMA formation OWNER TO lodger; ALTER TABLE things OWNER TO lodger; ALTER TABLE schemas OWNER TO lodger");
        using var lodger = PostgresDatabase.Open(
            ConnectionString.Replace($"Username={PostgresServer.User};Password=\"{PostgresServer.Password}\"", "Username=lodger;Password=x", StringComparison.Ordinal));
        lodger.Prepare(new Schema("others", sql => $"CREATE TABLE others (name {sql.Text} PRIMARY KEY){sql.TableEnd}"));
        Assert.Throws<StorageException>(() => lodger.Execute("CREATE SCHEMA another"));
    }
}
