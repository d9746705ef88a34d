using System.Data.Common;
using Formation.Inference.Testing.Databases;

namespace Formation.Inference.Storage.Tests;

/// <summary>What every engine promises.</summary>
public abstract class DatabaseConformance(TestDatabase database) : IDisposable
{
    private static readonly Schema Things = new("things", sql =>
        $"CREATE TABLE things (name {sql.Text} PRIMARY KEY, size {sql.Integer} NOT NULL, body {sql.Bytes}){sql.TableEnd}");

    protected TestDatabase Test { get; } = database;

    [Fact]
    public void A_row_comes_back_as_it_was_written()
    {
        var things = OpenThings();
        byte[] body = [0, 255, 10, 13];
        Assert.Equal(1, Add(things, "a 'name' 名前 🙂", long.MaxValue, body));
        Assert.Equal(1, Add(things, "nobody", long.MinValue, null));

        var rows = things.Query("SELECT name, size, body FROM things ORDER BY size DESC", row =>
            (row.GetString(0), row.GetInt64(1), row.IsDBNull(2) ? null : row.GetFieldValue<byte[]>(2)));

        Assert.Equal([("a 'name' 名前 🙂", long.MaxValue), ("nobody", long.MinValue)], rows.Select(row => (row.Item1, row.Item2)));
        Assert.Equal([body, null], rows.Select(row => row.Item3));
    }

    [Fact]
    public void Texts_sort_by_their_bytes()
    {
        var things = OpenThings();
        string[] names = ["a", "B", "b", "A", "ä", "a-b", "ab", "Z", "_", "10", "9"];
        foreach (var name in names)
            Add(things, name, 0, null);

        var sorted = things.Query("SELECT name FROM things ORDER BY name", row => row.GetString(0));

        Assert.Equal(names.Order(StringComparer.Ordinal), sorted);
        Assert.Equal(["10", "9"], things.Query("SELECT name FROM things WHERE name < @limit ORDER BY name", row => row.GetString(0), ("@limit", "A")));
    }

    [Fact]
    public void A_second_row_with_the_same_key_is_a_duplicate_and_nothing_else_is()
    {
        var things = OpenThings();
        things.Execute("CREATE UNIQUE INDEX sizes ON things (size)");
        Add(things, "a", 1, null);

        Assert.True(Assert.Throws<StorageException>(() => Add(things, "a", 2, null)).IsDuplicate);
        Assert.True(Assert.Throws<StorageException>(() => Add(things, "b", 1, null)).IsDuplicate);
        Assert.False(Assert.Throws<StorageException>(() => things.Execute("INSERT INTO things (name) VALUES ('c')")).IsDuplicate);
        Assert.False(Assert.Throws<StorageException>(() => things.Execute("INSERT INTO nothing (name) VALUES ('c')")).IsDuplicate);
        Assert.False(Assert.Throws<StorageException>(() => things.Query("SELEC 1", row => 0)).IsDuplicate);
    }

    [Fact]
    public void What_is_not_committed_did_not_happen()
    {
        var things = OpenThings();
        using (var transaction = things.Begin())
        {
            transaction.Execute("INSERT INTO things (name, size) VALUES ('a', 1)");
            Assert.Single(transaction.Query("SELECT name FROM things", row => row.GetString(0)));
        }
        Assert.Empty(Names(things));

        using (var transaction = things.Begin())
        {
            transaction.Execute("INSERT INTO things (name, size) VALUES ('a', 1)");
            transaction.Commit();
        }
        Assert.Equal(["a"], Names(Test.Open()));
    }

    [Fact]
    public void A_transaction_that_failed_leaves_nothing_behind()
    {
        var things = OpenThings();
        Add(things, "a", 1, null);
        using (var transaction = things.Begin())
        {
            transaction.Execute("INSERT INTO things (name, size) VALUES ('b', 2)");
            Assert.Throws<StorageException>(() => transaction.Execute("INSERT INTO things (name, size) VALUES ('a', 3)"));
        }
        Assert.Equal(["a"], Names(things));
    }

    [Fact]
    public void An_error_of_the_reader_of_rows_is_its_own()
    {
        var things = OpenThings();
        Add(things, "a", 1, null);
        Assert.Throws<InvalidDataException>(() => things.Query<int>("SELECT name FROM things", _ => throw new InvalidDataException("damaged")));
    }

    [Fact]
    public async Task Tables_are_made_once_when_many_processes_start_together()
    {
        var processes = Enumerable.Range(0, 6).Select(_ => Test.Open()).ToList();
        var started = new Barrier(processes.Count);
        await Task.WhenAll(processes.Select(process => Task.Factory.StartNew(
            () =>
            {
                started.SignalAndWait(TestContext.Current.CancellationToken);
                process.Prepare(Things);
            },
            TestContext.Current.CancellationToken, TaskCreationOptions.LongRunning, TaskScheduler.Default)));
        Add(processes[0], "a", 1, null);
        Assert.All(processes, process => Assert.Equal(["a"], Names(process)));
    }

    [Fact]
    public void A_schema_goes_on_from_the_step_that_it_is_at()
    {
        var old = OpenThings();
        Add(old, "a", 1, null);
        var newer = new Schema("things", Things.Steps[0], sql => $"ALTER TABLE things ADD COLUMN colour {sql.Text} NOT NULL DEFAULT 'red'");

        Test.Open().Prepare(newer);
        Test.Open().Prepare(newer);

        Assert.Equal(["red"], old.Query("SELECT colour FROM things", row => row.GetString(0)));
    }

    [Fact]
    public void A_step_that_fails_leaves_the_tables_as_they_were()
    {
        var old = OpenThings();
        var broken = new Schema(
            "things", Things.Steps[0], sql => $"ALTER TABLE things ADD COLUMN colour {sql.Text}", _ => "ALTER TABLE nothing ADD COLUMN colour text");
        Assert.Throws<StorageException>(() => Test.Open().Prepare(broken));
        Assert.Throws<StorageException>(() => old.Query("SELECT colour FROM things", row => row.GetString(0)));
    }

    [Fact]
    public void Tables_of_a_newer_program_are_left_alone()
    {
        Test.Open().Prepare(new Schema("things", Things.Steps[0], sql => $"ALTER TABLE things ADD COLUMN colour {sql.Text}"));
        Assert.Contains("newer", Assert.Throws<InvalidDataException>(() => Test.Open().Prepare(Things)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void The_clock_of_the_database_counts_milliseconds()
    {
        var things = OpenThings();
        var now = things.Query($"SELECT {things.Dialect.Now}", row => row.GetInt64(0)).Single();
        Assert.InRange(now, TimeProvider.System.GetUtcNow().AddHours(-1).ToUnixTimeMilliseconds(), TimeProvider.System.GetUtcNow().AddHours(1).ToUnixTimeMilliseconds());
    }

    [Fact]
    public async Task Who_listens_is_cancelled()
    {
        using var stop = new CancellationTokenSource();
        var listening = OpenThings().ListenAsync(() => { }, stop.Token);
        stop.Cancel();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => listening);
    }

    public void Dispose() => Test.Dispose();

    protected Database OpenThings()
    {
        var things = Test.Open();
        things.Prepare(Things);
        return things;
    }

    protected static int Add(Database things, string name, long size, byte[]? body) => things.Execute(
        "INSERT INTO things (name, size, body) VALUES (@name, @size, @body)", ("@name", name), ("@size", size), ("@body", body));

    protected static IReadOnlyList<string> Names(Database things) => things.Query("SELECT name FROM things ORDER BY name", row => row.GetString(0));
}
