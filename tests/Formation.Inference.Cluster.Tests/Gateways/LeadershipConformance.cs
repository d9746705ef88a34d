using Formation.Inference.Cluster.Gateways;
using Formation.Inference.Cluster.Identity;
using Formation.Inference.Cluster.Tests.Fakes;
using Formation.Inference.Testing.Databases;

namespace Formation.Inference.Cluster.Tests.Gateways;

/// <summary>What leadership promises, on every engine.</summary>
public abstract class LeadershipConformance(TimedDatabase database) : IDisposable
{
    private static readonly TimeSpan Lease = TimeSpan.FromSeconds(10);
    private static readonly KeyPin A = TestRegistry.Pin("a");
    private static readonly KeyPin B = TestRegistry.Pin("b");

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
            database.Pass(Lease - TimeSpan.FromSeconds(2));
            Assert.Equal(new LeadershipStatus(1, A, true), store.TryHold(A, Lease));
            Assert.Equal(new LeadershipStatus(1, A, false), store.TryHold(B, Lease));
        }
    }

    [Fact]
    public void Who_does_not_renew_it_loses_it_to_the_next_who_asks_with_a_new_term()
    {
        var store = Open();
        store.TryHold(A, Lease);
        database.Pass(Lease + TimeSpan.FromSeconds(2));
        Assert.Equal(new LeadershipStatus(2, B, true), store.TryHold(B, Lease));
        Assert.Equal(new LeadershipStatus(2, B, false), store.TryHold(A, Lease));
    }

    [Fact]
    public void Who_takes_it_again_after_it_expired_has_a_new_term_too()
    {
        var store = Open();
        store.TryHold(A, Lease);
        database.Pass(Lease + TimeSpan.FromSeconds(2));
        Assert.Equal(new LeadershipStatus(2, A, true), store.TryHold(A, Lease));
    }

    [Fact]
    public void Asking_in_vain_makes_no_lease_longer()
    {
        var store = Open();
        store.TryHold(A, Lease);
        database.Pass(Lease / 2);
        store.TryHold(B, TimeSpan.FromHours(1));
        database.Pass(Lease / 2 + TimeSpan.FromSeconds(2));
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
            database.Pass(Lease + TimeSpan.FromSeconds(2));
        }
    }

    public void Dispose() => database.Dispose();

    private Leadership Open() => Leadership.Open(database.Open());
}

public sealed class LeadershipOnSqliteTests() : LeadershipConformance(TimedDatabase.Sqlite());

// The server's clock is nobody's to move; what it wrote is.
public sealed class LeadershipOnPostgresTests(PostgresServer server) : LeadershipConformance(TimedDatabase.Postgres(server, "UPDATE leadership SET expires = expires - @time"));
