using Formation.Inference.Cluster.Gateways;
using Formation.Inference.Cluster.Identity;
using Formation.Inference.Cluster.Tests.Fakes;
using Formation.Inference.Testing.Databases;
using Microsoft.Extensions.Time.Testing;

namespace Formation.Inference.Cluster.Tests.Gateways;

/// <summary>What leadership promises, on every engine.</summary>
public abstract class LeadershipConformance(TestDatabase database) : IDisposable
{
    private static readonly TimeSpan Lease = TimeSpan.FromSeconds(10);
    private static readonly KeyPin A = TestRegistry.Pin("a");
    private static readonly KeyPin B = TestRegistry.Pin("b");

    protected TestDatabase Test { get; } = database;

    [Fact]
    public void The_first_who_asks_holds_it_and_others_learn_who_that_is()
    {
        Assert.Equal(new LeadershipStatus(1, A, true), Open().TryHold(A, Lease));
        Assert.Equal(new LeadershipStatus(1, A, false), Open().TryHold(B, Lease));
    }

    [Fact]
    public void Who_renews_it_in_time_keeps_it_and_its_term()
    {
        var store = Open();
        store.TryHold(A, Lease);
        for (var i = 0; i < 3; i++)
        {
            Pass(Lease - TimeSpan.FromSeconds(2));
            Assert.Equal(new LeadershipStatus(1, A, true), store.TryHold(A, Lease));
            Assert.Equal(new LeadershipStatus(1, A, false), store.TryHold(B, Lease));
        }
    }

    [Fact]
    public void Who_does_not_renew_it_loses_it_to_the_next_who_asks_with_a_new_term()
    {
        var store = Open();
        store.TryHold(A, Lease);
        Pass(Lease + TimeSpan.FromSeconds(2));
        Assert.Equal(new LeadershipStatus(2, B, true), store.TryHold(B, Lease));
        Assert.Equal(new LeadershipStatus(2, B, false), store.TryHold(A, Lease));
    }

    [Fact]
    public void Who_takes_it_again_after_it_expired_has_a_new_term_too()
    {
        var store = Open();
        store.TryHold(A, Lease);
        Pass(Lease + TimeSpan.FromSeconds(2));
        Assert.Equal(new LeadershipStatus(2, A, true), store.TryHold(A, Lease));
    }

    [Fact]
    public void Asking_in_vain_makes_no_lease_longer()
    {
        var store = Open();
        store.TryHold(A, Lease);
        Pass(Lease / 2);
        store.TryHold(B, TimeSpan.FromHours(1));
        Pass(Lease / 2 + TimeSpan.FromSeconds(2));
        Assert.Equal(new LeadershipStatus(2, B, true), store.TryHold(B, Lease));
    }

    [Fact]
    public void Who_lets_it_go_leaves_it_to_the_next_at_once_and_nobody_lets_go_for_another()
    {
        var store = Open();
        store.Release(A);
        store.TryHold(A, Lease);
        store.Release(B);
        Assert.False(store.TryHold(B, Lease).IsHeld);
        store.Release(A);
        Assert.Equal(new LeadershipStatus(2, B, true), store.TryHold(B, Lease));
    }

    [Fact]
    public async Task Of_many_who_ask_at_once_one_holds_it_and_all_agree_who()
    {
        for (var term = 1; term <= 4; term++)
        {
            var answers = await Contention.RunAsync(8, Open, (store, i) => store.TryHold(TestRegistry.Pin($"{i}"), Lease));
            var holder = Assert.Single(answers, answer => answer.IsHeld);
            Assert.All(answers, answer => Assert.Equal((term, holder.Holder), (answer.Term, answer.Holder)));
            Assert.Equal(answers[answers.ToList().IndexOf(holder)].Holder, holder.Holder);
            Pass(Lease + TimeSpan.FromSeconds(2));
        }
    }

    public void Dispose() => Test.Dispose();

    /// <summary>Lets time pass, by the clock of the database.</summary>
    protected abstract void Pass(TimeSpan time);

    private Leadership Open() => Leadership.Open(Test.Open());
}

public sealed class LeadershipOnSqliteTests : LeadershipConformance
{
    private readonly FakeTimeProvider _clock;

    public LeadershipOnSqliteTests() : this(new FakeTimeProvider(Certificates.Now))
    {
    }

    private LeadershipOnSqliteTests(FakeTimeProvider clock) : base(new SqliteTestDatabase(clock)) => _clock = clock;

    protected override void Pass(TimeSpan time) => _clock.Advance(time);
}

public sealed class LeadershipOnPostgresTests(PostgresServer server) : LeadershipConformance(server.CreateDatabase())
{
    // The server's clock is nobody's to move; what it wrote is.
    protected override void Pass(TimeSpan time) =>
        Test.Open().Execute("UPDATE leadership SET expires = expires - @time", ("@time", (long)time.TotalMilliseconds));
}
