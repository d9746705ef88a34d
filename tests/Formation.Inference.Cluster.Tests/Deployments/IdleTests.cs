using Formation.Inference.Cluster.Deployments;

namespace Formation.Inference.Cluster.Tests.Deployments;

public sealed class IdleTests
{
    private static readonly TimeSpan HalfHour = TimeSpan.FromMinutes(30);

    private static InventedCluster Cluster(TimeSpan idle)
    {
        var cluster = new InventedCluster(("a", 2000));
        cluster.AskFor(spec => spec with { IdleAfter = idle });
        cluster.Step();
        cluster.BeReady();
        return cluster;
    }

    [Fact]
    public void A_model_that_nobody_asks_is_put_to_sleep_and_its_nodes_are_free()
    {
        var cluster = Cluster(HalfHour);

        cluster.Live(HalfHour);
        Assert.NotEmpty(cluster.Deployment.Workers);
        cluster.Live(cluster.Look * 2);

        Assert.NotNull(cluster.Deployment.Asleep);
        Assert.Empty(cluster.Deployment.Workers);
        Assert.Contains("30 min", Assert.Single(cluster.NotesOf("idle")), StringComparison.Ordinal);
    }

    [Fact]
    public void It_sleeps_until_it_is_woken()
    {
        var cluster = Cluster(HalfHour);
        cluster.Live(2 * HalfHour);
        Assert.NotNull(cluster.Deployment.Asleep);

        cluster.Wake();
        cluster.Live(TimeSpan.FromMinutes(1));

        cluster.AssertWhole();
        Assert.Null(cluster.Deployment.Asleep);
        cluster.Live(2 * HalfHour);
        Assert.NotNull(cluster.Deployment.Asleep);
    }

    [Fact]
    public void Without_an_idle_time_it_never_sleeps()
    {
        var cluster = Cluster(TimeSpan.Zero);

        cluster.Live(20 * HalfHour);

        Assert.Null(cluster.Deployment.Asleep);
    }

    [Fact]
    public void A_request_that_nobody_saw_running_keeps_it_awake()
    {
        var cluster = Cluster(HalfHour);
        for (var i = 0; i < 4; i++)
        {
            cluster.Live(0.9 * HalfHour);
            // Begun and ended between two looks: only the count tells of it.
            cluster.Work(cluster.Replica, 1);
            cluster.Work(cluster.Replica, 0);
        }

        Assert.Null(cluster.Deployment.Asleep);
    }

    [Fact]
    public void A_stream_that_lasts_keeps_it_awake()
    {
        var cluster = Cluster(HalfHour);

        cluster.Live(4 * HalfHour, () => cluster.Work(cluster.Replica, 1));

        Assert.Null(cluster.Deployment.Asleep);
    }

    [Fact]
    public void What_was_decided_by_an_older_version_is_awake_and_adapts_nothing()
    {
        var text = DeploymentStore.Text(Cluster(TimeSpan.Zero).Deployment);
        foreach (var added in new[] { ",\"Asleep\":null", ",\"Moved\":null", ",\"Change\":null", ",\"Replicas\":null,\"IdleAfter\":\"00:00:00\"", ",\"Retiring\":null,\"Replaces\":null" })
        {
            Assert.Contains(added, text, StringComparison.Ordinal);
            text = text.Replace(added, "", StringComparison.Ordinal);
        }

        var deployment = DeploymentStore.Read("model", text);

        Assert.Equal((null, null, null, null, TimeSpan.Zero), (deployment.Asleep, deployment.Moved, deployment.Change, deployment.Spec.Replicas, deployment.Spec.IdleAfter));
        Assert.All(deployment.Replicas, replica => Assert.Equal((null, null), (replica.Retiring, replica.Replaces)));
    }
}
