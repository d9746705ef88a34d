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
            await PassAsync(TimeSpan.FromMilliseconds(500));

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
        await PassAsync(LeaderElection.Interval);

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

        // All at once: no timer of its own has run in between, as on a machine that stood still.
        var stood = new TaskCompletionSource();
        _clock.Advance(LeaderElection.Lease);
        stood.SetResult();

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
            await PassAsync(LeaderElection.Interval);
        }
        await PassAsync(LeaderElection.Interval);

        Assert.Null(one.Term);
    }

    private LeaderElection Election(string name) => new(Leadership.Open(_database), TestRegistry.Pin(name), _clock);

    // What a timer begins ends in a moment of real time.
    private async Task PassAsync(TimeSpan time)
    {
        _clock.Advance(time);
        await Task.Delay(50, TestContext.Current.CancellationToken);
    }
}
