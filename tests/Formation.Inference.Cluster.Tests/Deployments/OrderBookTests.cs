using Formation.Inference.Cluster.Deployments;
using Formation.Inference.Cluster.Tests.Fakes;
using Formation.Inference.Cluster.Workers;

namespace Formation.Inference.Cluster.Tests.Deployments;

public sealed class OrderBookTests
{
    private static InventedCluster Cluster()
    {
        var cluster = new InventedCluster(("a", 300), ("b", 300), ("c", 300));
        cluster.Step();
        return cluster;
    }

    [Fact]
    public void A_head_gets_the_stages_that_are_ready_in_the_order_of_their_layers()
    {
        var cluster = Cluster();
        var stages = InventedCluster.Stages(cluster.Replica).ToList();

        Assert.Empty(Head(cluster).Chain);
        cluster.Say(stages[1], WorkerState.Ready);
        Assert.Equal([stages[1].Id], Head(cluster).Chain.Select(stage => stage.Id));
        cluster.Say(stages[0], WorkerState.Ready);
        Assert.Equal(stages.Select(stage => (stage.Id, stage.Layers)), Head(cluster).Chain.Select(stage => (stage.Id, stage.Layers)));
        cluster.Say(stages[0], WorkerState.Loading);
        Assert.Equal([stages[1].Id], Head(cluster).Chain.Select(stage => stage.Id));
    }

    [Fact]
    public void Gateways_call_heads_and_workers_of_the_same_replica_call_stages_and_nobody_else()
    {
        var cluster = Cluster();
        cluster.BeReady();
        var stage = InventedCluster.Stages(cluster.Replica).First();
        var others = cluster.Replica.Workers.Where(worker => worker != stage).Select(worker => TestRegistry.Pin(worker.Id));

        Assert.Equal([TestRegistry.GatewayPin], Head(cluster).Callers);
        var order = OrderOf(cluster, stage);
        Assert.Equal(others.OrderBy(pin => pin.Text), order.Callers);
        Assert.Equal([TestRegistry.Pin(cluster.Replica.Head!.Id)], order.Heads);
    }

    [Fact]
    public void A_head_that_takes_over_gets_no_stages_before_the_old_one_is_to_let_them_go()
    {
        var cluster = Cluster();
        cluster.BeReady();
        cluster.Add("d", 400);
        var old = cluster.Replica.Head!;
        cluster.Drain(old.Node);
        cluster.Step();
        Assert.Empty(OrderOf(cluster, cluster.On("d")).Chain);
        Assert.NotEmpty(OrderOf(cluster, cluster.On(old.Node)).Chain);

        cluster.Say(cluster.On("d"), WorkerState.Waiting);
        cluster.Step();
        Assert.NotEmpty(OrderOf(cluster, cluster.On("d")).Chain);
        Assert.True(OrderOf(cluster, cluster.On(old.Node)).IsLeaving);
    }

    [Fact]
    public void Every_order_keeps_to_the_limits_of_the_protocol()
    {
        var cluster = new InventedCluster(("a", 300), ("b", 300), ("c", 300), ("d", 300));
        cluster.Ask(request => request with { Spares = 1, Stages = 3 });
        cluster.Step();
        cluster.BeReady();

        var orders = Write(cluster).SelectMany(node => node).ToList();
        Assert.Equal(4, orders.Count);
        foreach (var order in orders)
        {
            Assert.True(WorkerOrderMapping.TryRead(WorkerOrderMapping.ToWire(order), out var read, out var fault), fault);
            Assert.Equivalent(order, read, strict: true);
        }
    }

    private static WorkerOrder Head(InventedCluster cluster) => OrderOf(cluster, cluster.Replica.Head!);

    private static WorkerOrder OrderOf(InventedCluster cluster, WorkerAssignment worker) => Write(cluster)[worker.Node].Single(order => order.Id == worker.Id);

    private static ILookup<string, WorkerOrder> Write(InventedCluster cluster) =>
        OrderBook.Write([cluster.Deployment], cluster.View, [TestRegistry.GatewayPin]);
}
