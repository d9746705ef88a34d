using Formation.Inference.Cluster.Gateways;
using Formation.Inference.Cluster.Tests.Fakes;
using Formation.Inference.Storage;
using Formation.Inference.Storage.Engines;
using Formation.Inference.Testing;
using Microsoft.Extensions.Time.Testing;

namespace Formation.Inference.Cluster.Tests.Gateways;

public sealed class LeaderElectionTests : IDisposable
{
    private readonly TestFolder _folder = new();
    private readonly FakeTimeProvider _clock = new(Certificates.Now);
    private readonly Database _database;

    public LeaderElectionTests() => _database = SqliteDatabase.Open(Path.Combine(_folder.Path, "cluster.db"), _clock);

    public void Dispose()
    {
        _database.Dispose();
        _folder.Dispose();
    }

    [Fact]
    public async Task One_of_two_decides_and_goes_on_to()
    {
        await using var one = Election("one");
        await Eventually.TrueAsync(() => one.Term is not null);
        await using var two = Election("two");
        var term = one.Term;

        for (var i = 0; i < 20; i++)
        {
            _clock.Advance(LeaderElection.Interval);
            await Eventually.TrueAsync(() => Expires() == (_clock.GetUtcNow() + LeaderElection.Lease).ToUnixTimeMilliseconds());
        }

        Assert.Equal(term, one.Term);
        Assert.Null(two.Term);
    }

    [Fact]
    public async Task One_that_ends_in_order_leaves_it_to_the_other_at_once()
    {
        var one = Election("one");
        await Eventually.TrueAsync(() => one.Term is not null);
        await using var two = Election("two");
        var term = one.Term;

        await one.DisposeAsync();
        _clock.Advance(LeaderElection.Interval);

        await Eventually.TrueAsync(() => two.Term > term);
    }

    [Fact]
    public async Task One_that_can_not_renew_in_time_stops_deciding_by_itself_and_comes_back_in_another_term()
    {
        await using var one = Election("one");
        await Eventually.TrueAsync(() => one.Term is not null);
        var term = one.Term;
        var changes = 0;
        one.Changed += () => Interlocked.Increment(ref changes);

        // The database makes it wait for as long as it holds the lease.
        using (var held = _database.Begin())
        {
            held.Execute("UPDATE leadership SET term = term");
            _clock.Advance(LeaderElection.Lease);
        }

        await Eventually.TrueAsync(() => one.Term > term);
        Assert.True(changes > 0);
    }

    [Fact]
    public async Task While_the_store_is_away_nobody_decides_for_longer_than_the_lease()
    {
        await using var one = Election("one");
        await Eventually.TrueAsync(() => one.Term is not null);

        _database.Execute("DROP TABLE leadership");
        for (var i = 0; i < 3; i++)
        {
            Assert.NotNull(one.Term);
            _clock.Advance(LeaderElection.Interval);
        }
        _clock.Advance(LeaderElection.Interval);

        Assert.Null(one.Term);
    }

    private long Expires() => _database.Query("SELECT expires FROM leadership", row => row.GetInt64(0)).Single();

    private LeaderElection Election(string name) => new(Leadership.Open(_database), TestRegistry.Pin(name), _clock);
}
