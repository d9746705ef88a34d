using Formation.Inference.Cluster.Deployments;
using Formation.Inference.Cluster.Deployments.Adapting;
using Formation.Inference.Cluster.Workers;

namespace Formation.Inference.Cluster.Tests.Deployments;

public sealed class ReplicaScalingTests
{
    // One node holds the whole model with room to spare.
    private const int Whole = 2000;

    private static readonly TimeSpan Minute = TimeSpan.FromMinutes(1);

    private static AdaptOptions Options { get; } = new();

    private static InventedCluster Cluster(int min, int max, int nodes)
    {
        var cluster = new InventedCluster([.. Enumerable.Range(0, nodes).Select(i => ($"n{i}", Whole))]);
        cluster.AskFor(spec => spec with
        {
            Replicas = new ReplicaRange(min, max),
            Placement = spec.Placement with { Replicas = min, Concurrency = 4 * min, Stages = 1 },
        });
        cluster.Step();
        cluster.BeReady();
        return cluster;
    }

    private static IReadOnlyList<ReplicaAssignment> Serving(InventedCluster cluster) =>
        [.. cluster.Deployment.Replicas.Where(replica => replica.Retiring is null)];

    private static void Work(InventedCluster cluster, int requestsEach)
    {
        foreach (var replica in cluster.Deployment.Replicas)
            cluster.Work(replica, requestsEach);
    }

    [Fact]
    public void It_grows_when_most_slots_were_taken_for_long_enough_and_says_why()
    {
        var cluster = Cluster(1, 3, nodes: 3);

        cluster.Live(Options.GrowAfter, () => Work(cluster, 4));
        Assert.Single(Serving(cluster));
        cluster.Live(cluster.Look, () => Work(cluster, 4));

        Assert.Equal(2, Serving(cluster).Count);
        Assert.Contains("4 requests for 4 slots for 30 s", Assert.Single(cluster.NotesOf("growing")), StringComparison.Ordinal);
        Assert.NotNull(cluster.Deployment.Change);
        cluster.Live(cluster.Look);
        Assert.Null(cluster.Deployment.Change);
    }

    [Fact]
    public void A_moments_demand_moves_nothing()
    {
        var cluster = Cluster(1, 3, nodes: 3);
        var looks = 0;

        cluster.Live(20 * Minute, () => Work(cluster, looks++ % 4 == 0 ? 0 : 9));

        Assert.Single(cluster.Deployment.Replicas);
    }

    [Fact]
    public void It_never_has_more_replicas_than_it_may()
    {
        var cluster = Cluster(1, 2, nodes: 4);

        cluster.Live(10 * Minute, () => Work(cluster, 50));

        Assert.Equal(2, cluster.Deployment.Replicas.Count);
    }

    [Fact]
    public void A_number_that_stays_is_not_moved_by_demand()
    {
        var cluster = new InventedCluster(("a", Whole), ("b", Whole));
        cluster.Step();
        cluster.BeReady();

        cluster.Live(10 * Minute, () => Work(cluster, 50));

        Assert.Single(cluster.Deployment.Replicas);
    }

    [Fact]
    public void Without_room_for_another_replica_it_says_so_once()
    {
        var cluster = Cluster(1, 3, nodes: 1);

        cluster.Live(10 * Minute, () => Work(cluster, 9));

        Assert.Single(cluster.Deployment.Replicas);
        Assert.Single(cluster.NotesOf("no-room-to-grow"));
    }

    [Fact]
    public void It_shrinks_when_the_others_were_half_empty_for_long_enough_and_not_below_its_minimum()
    {
        var cluster = Cluster(1, 2, nodes: 2);
        cluster.Live(Minute, () => Work(cluster, 9));
        Assert.Equal(2, Serving(cluster).Count);

        cluster.Live(Options.ShrinkAfter, () => Work(cluster, 0));
        Assert.Equal(2, Serving(cluster).Count);
        cluster.Live(60 * Minute, () => Work(cluster, 0));

        Assert.Single(cluster.Deployment.Replicas);
        Assert.Single(cluster.NotesOf("shrinking"));
        Assert.Single(cluster.NotesOf("ended"));
        Assert.Null(cluster.Deployment.Change);
    }

    [Fact]
    public void What_the_others_could_not_carry_easily_is_not_given_up()
    {
        var cluster = Cluster(1, 2, nodes: 2);
        cluster.Live(Minute, () => Work(cluster, 9));

        // Two of eight slots: of the four that would be left, a half.
        cluster.Live(60 * Minute, () => Work(cluster, 1));

        Assert.Equal(2, Serving(cluster).Count);
    }

    [Fact]
    public void A_replica_that_is_given_up_lives_as_long_as_its_streams()
    {
        var cluster = Cluster(1, 2, nodes: 2);
        cluster.Live(Minute, () => Work(cluster, 9));
        cluster.Live(Options.ShrinkAfter + Minute, () => Streams(1));
        var last = Assert.Single(cluster.Deployment.Replicas, replica => replica.Retiring is not null);

        cluster.Live(Options.LongestFarewell / 2, () => Streams(1));
        Assert.Contains(last, cluster.Deployment.Replicas);

        cluster.Live(Minute, () => Streams(0));
        Assert.DoesNotContain(cluster.Deployment.Replicas, replica => replica.Id == last.Id);

        // The streams are on the one with fewer of them: the one that will be given up.
        void Streams(int few)
        {
            cluster.Work(cluster.Deployment.Replicas[0], cluster.Deployment.Replicas.Count > 1 ? few : 0);
            if (cluster.Deployment.Replicas.Count > 1)
                cluster.Work(cluster.Deployment.Replicas[1], 0);
            if (cluster.Deployment.Replicas.FirstOrDefault(replica => replica.Retiring is not null) is { } retiring)
                cluster.Work(retiring, few);
        }
    }

    [Fact]
    public void Streams_that_last_too_long_on_a_replica_that_is_given_up_are_handed_over()
    {
        var cluster = Cluster(1, 2, nodes: 2);
        cluster.Live(Minute, () => Work(cluster, 9));
        cluster.Live(Options.ShrinkAfter + Minute, () => Retiring(1));
        cluster.Live(Options.LongestFarewell, () => Retiring(1));

        var last = Assert.Single(cluster.Deployment.Replicas, replica => replica.Retiring is not null);
        Assert.True(last.Head!.IsLeaving);
        cluster.LetGo(last);
        cluster.Step();
        Assert.Single(cluster.Deployment.Replicas);

        void Retiring(int streams)
        {
            foreach (var replica in cluster.Deployment.Replicas)
                cluster.Work(replica, replica.Retiring is null ? 0 : streams);
        }
    }

    [Fact]
    public void Demand_that_comes_back_keeps_the_replica_that_was_given_up()
    {
        var cluster = Cluster(1, 2, nodes: 2);
        cluster.Live(Minute, () => Work(cluster, 9));
        cluster.Live(Options.ShrinkAfter + cluster.Look, () => Work(cluster, 0));
        var last = Assert.Single(cluster.Deployment.Replicas, replica => replica.Retiring is not null);

        cluster.Live(Minute, () => Work(cluster, 9));

        Assert.Contains(Serving(cluster), replica => replica.Id == last.Id);
    }

    [Fact]
    public void A_replica_that_is_given_up_gets_no_requests_as_long_as_there_is_another_one()
    {
        var cluster = Cluster(1, 2, nodes: 2);
        cluster.Live(Minute, () => Work(cluster, 9));
        cluster.Live(Options.ShrinkAfter + cluster.Look, () => Work(cluster, 0));

        var replicas = DeployedReplicas.ReplicasOf(DeploymentStatus.Of(cluster.Deployment, cluster.View)).ToList();

        var retiring = Assert.Single(cluster.Deployment.Replicas, replica => replica.Retiring is not null);
        Assert.Equal([true, false], replicas.OrderBy(replica => replica.Id == retiring.Id).Select(replica => replica.IsReady));

        cluster.Say(Serving(cluster)[0].Head!, WorkerState.Loading);
        replicas = [.. DeployedReplicas.ReplicasOf(DeploymentStatus.Of(cluster.Deployment, cluster.View))];
        Assert.True(replicas.Single(replica => replica.Id == retiring.Id).IsReady);
    }
}
