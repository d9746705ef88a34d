using Formation.Inference.Cluster.Tests.Fakes;
using Formation.Inference.Storage;
using Formation.Inference.Testing.Databases;
using Microsoft.Extensions.Time.Testing;

namespace Formation.Inference.Cluster.Tests.Gateways;

/// <summary>A database by whose clock time can be let pass.</summary>
public sealed class TimedDatabase : IDisposable
{
    private readonly TestDatabase _database;
    private readonly Action<TestDatabase, TimeSpan> _pass;

    private TimedDatabase(TestDatabase database, Action<TestDatabase, TimeSpan> pass) => (_database, _pass) = (database, pass);

    public static TimedDatabase Sqlite()
    {
        var clock = new FakeTimeProvider(Certificates.Now);
        return new TimedDatabase(new SqliteTestDatabase(clock), (_, time) => clock.Advance(time));
    }

    /// <param name="server">Has the database.</param>
    /// <param name="shift">Makes what was written older by <c>@time</c>, in milliseconds.</param>
    public static TimedDatabase Postgres(PostgresServer server, string shift) =>
        new(server.CreateDatabase(), (database, time) => database.Open().Execute(shift, ("@time", (long)time.TotalMilliseconds)));

    public Database Open() => _database.Open();

    /// <summary>Lets time pass.</summary>
    public void Pass(TimeSpan time) => _pass(_database, time);

    public void Dispose() => _database.Dispose();
}
