using Formation.Inference.Cluster.Deployments;
using Formation.Inference.Cluster.Identity;
using Formation.Inference.Cluster.Nodes;
using Formation.Inference.Cluster.Nodes.Control.Wire;
using Formation.Inference.Cluster.Tests.Fakes;
using Formation.Inference.Cluster.Tests.Placement;
using Formation.Inference.Testing;

namespace Formation.Inference.Cluster.Tests.Gateways;

/// <summary>What one gateway decides holds at the other, and only one of them gives orders.</summary>
public sealed class SeveralGatewaysTests : IAsyncDisposable
{
    private readonly TwoGateways _gateways = new();

    private static DeploymentSpec Spec { get; } = new() { ModelId = "model", Placement = PlacementCases.Request };

    private static DeployedModel Model { get; } = new(new string('a', 64), "/models/model.gguf", Certificates.Now, PlacementCases.Model());

    public ValueTask DisposeAsync() => _gateways.DisposeAsync();

    [Fact]
    public void A_node_that_one_gateway_has_just_admitted_may_come_to_the_other()
    {
        _gateways.One.Admit("a");

        _gateways.Two.Connect("a");

        Assert.Equal(NodeState.Online, _gateways.Two.Registry.Find("a")!.State);
    }

    [Fact]
    public void Keys_that_nobody_knows_are_asked_for_once_a_second_and_told_to_come_again()
    {
        Assert.Equal(RefusalReason.UnknownCertificate, Refused("stranger"));
        Assert.Equal(RefusalReason.NotNow, Refused("another stranger"));
        _gateways.One.Admit("a");
        Assert.Equal(RefusalReason.NotNow, Refused("a"));

        _gateways.Clock.Advance(TimeSpan.FromSeconds(1));

        Assert.Null(Refused("a"));

        RefusalReason? Refused(string key) =>
            _gateways.Two.Registry.Register(new NodeConnection(TestRegistry.Pin(key), "10.0.0.9:4711"), TestRegistry.Report(key))?.Reason;
    }

    [Fact]
    public void While_the_database_is_away_unknown_keys_are_told_to_come_again_and_known_ones_get_in()
    {
        _gateways.One.Admit("a");
        _gateways.Two.Registry.Refresh();
        _gateways.BreakDatabase();

        _gateways.Two.Connect("a");
        var refusal = _gateways.Two.Registry.Register(new NodeConnection(TestRegistry.Pin("b"), "10.0.0.9:4711"), TestRegistry.Report("b"));

        Assert.Equal(RefusalReason.NotNow, refusal!.Reason);
        Assert.False(refusal.IsFinal);
    }

    [Fact]
    public void A_name_that_one_gateway_has_given_away_is_taken_at_the_other()
    {
        _gateways.One.Admit("a");
        var token = _gateways.Two.Registry.Invite(AdmissionTerms.Default, TimeSpan.FromHours(1)).Token.Text.Value;

        Assert.False(_gateways.Two.Registry.TryAdmit(token, TestRegistry.Pin("another key"), TestRegistry.Report("a"), out _, out var refusal));

        Assert.Equal(RefusalReason.NameTaken, refusal.Reason);
    }

    [Fact]
    public void Two_gateways_on_machines_of_the_same_name_get_names_of_their_own()
    {
        Assert.Equal("host", _gateways.One.Registry.AdmitOwn(TestRegistry.Pin("one's node"), TestRegistry.Report("host")));
        Assert.Equal("host-2", _gateways.Two.Registry.AdmitOwn(TestRegistry.Pin("two's node"), TestRegistry.Report("host")));
    }

    [Fact]
    public async Task A_node_that_one_gateway_removes_loses_its_connection_to_the_other_and_is_known_there_no_more()
    {
        _gateways.One.Admit("a");
        _gateways.One.Admit("b");
        var (removed, other) = (_gateways.Two.Connect("a"), _gateways.Two.Connect("b"));

        _gateways.One.Registry.Remove("a");
        _gateways.Two.Registry.Refresh();

        Assert.Equal(RefusalReason.Removed, TestRegistry.CloseReason(removed));
        Assert.Null(_gateways.Two.Registry.HolderOf(TestRegistry.Pin("a")));
        Assert.Empty(_gateways.Two.Registry.PeersOf(TestRegistry.Pin("b")));
        Assert.Contains(null, await TestRegistry.SentAsync(other));
    }

    [Fact]
    public async Task A_node_that_is_drained_at_one_gateway_hears_it_from_the_other_too()
    {
        _gateways.One.Admit("a");
        var connection = _gateways.Two.Connect("a");

        _gateways.One.Registry.SetDraining("a", true);
        _gateways.Two.Registry.Refresh();
        _gateways.Two.Registry.Refresh();

        Assert.True(_gateways.Two.Registry.Find("a")!.Record.IsDraining);
        Assert.Single(await TestRegistry.SentAsync(connection), message => message?.Drain is { IsDraining: true });
    }

    [Fact]
    public async Task Nodes_are_told_when_a_gateway_comes()
    {
        _gateways.One.Admit("a");
        var connection = _gateways.One.Connect("a");
        var own = _gateways.One.Registry.Gateways[0];

        _gateways.One.Registry.SetGateways([own]);
        _gateways.One.Registry.SetGateways([own, new KnownGateway(TestRegistry.Pin("two"), ["https://10.0.0.2:8081"])]);

        var told = Assert.Single((await TestRegistry.SentAsync(connection)).OfType<GatewayMessage>(), message => message.Gateways is not null);
        Assert.Equal(["https://10.0.0.2:8081"], told.Gateways.Gateways[1].Urls);
    }

    [Fact]
    public async Task Only_the_gateway_that_decides_gives_orders_wherever_the_operator_asked()
    {
        _gateways.Lead(_gateways.One, term: 1);
        _gateways.One.Admit("a");
        var (leader, other) = (_gateways.One.Connect("a"), _gateways.Two.Connect("a"));

        _gateways.Two.Controller.Deploy(Spec, Model);
        _gateways.One.Controller.Refresh();
        await Until(() => _gateways.One.Controller.Find("model")!.Replicas.Count == 1);
        _gateways.Two.Controller.Refresh();

        Assert.Single(_gateways.Two.Controller.Find("model")!.Replicas);
        var orders = await OrdersTo(leader);
        Assert.Equal((1, 1), (orders!.Workers.Count, orders.Term));
        Assert.Null(await OrdersTo(other));
    }

    [Fact]
    public async Task When_another_gateway_decides_it_gives_the_same_orders_in_its_own_term()
    {
        _gateways.Lead(_gateways.One, term: 1);
        _gateways.One.Admit("a");
        var (before, after) = (_gateways.One.Connect("a"), _gateways.Two.Connect("a"));
        _gateways.One.Controller.Deploy(Spec, Model);
        await Until(() => _gateways.One.Controller.Find("model")!.Replicas.Count == 1);

        _gateways.Lead(_gateways.Two, term: 2);
        await Until(() => _gateways.Two.Controller.Find("model") is { Replicas.Count: 1 });
        var version = _gateways.Two.Controller.Version;
        await Until(() => _gateways.Two.Controller.Version > version);

        var (first, second) = (await OrdersTo(before), await OrdersTo(after));
        Assert.Equal(first!.Workers.Single().Id, second!.Workers.Single().Id);
        Assert.Equal((1, 2), (first.Term, second.Term));
    }

    [Fact]
    public async Task A_gateway_that_decides_no_more_gives_no_orders_to_nodes_that_come()
    {
        _gateways.Lead(_gateways.One, term: 1);
        _gateways.One.Admit("a");
        _gateways.One.Controller.Deploy(Spec, Model);
        await Until(() => _gateways.One.Controller.Find("model") is { Deployment.Waiting.Length: > 0 });

        _gateways.Lead(_gateways.Two, term: 2);
        var version = _gateways.One.Controller.Version;
        await Until(() => _gateways.One.Controller.Version > version);

        Assert.Null(await OrdersTo(_gateways.One.Connect("a")));
    }

    [Fact]
    public async Task What_an_operator_wants_at_one_gateway_is_not_undone_by_what_the_other_decides_of_older_wishes()
    {
        _gateways.Lead(_gateways.One, term: 1);
        _gateways.One.Admit("a");
        _gateways.One.Controller.Deploy(Spec, Model);
        await Until(() => _gateways.One.Controller.Find("model") is { Deployment.Waiting.Length: > 0 });

        // The one that decides has not heard of the new wish when a node comes.
        _gateways.Two.Controller.Deploy(Spec with { Placement = Spec.Placement with { Concurrency = 2 } }, Model);
        _gateways.One.Connect("a");
        await Until(() => _gateways.One.Controller.Find("model")!.Replicas.Count == 1);

        var deployment = _gateways.One.Controller.Find("model")!.Deployment;
        Assert.Equal(2, deployment.Spec.Placement.Concurrency);
        Assert.Equal(2, deployment.Replicas.Single().Sequences);
    }

    [Fact]
    public async Task What_was_decided_can_be_read_at_every_gateway()
    {
        _gateways.Lead(_gateways.One, term: 1);
        _gateways.One.Controller.Deploy(Spec, Model);
        await Until(() => _gateways.One.Controller.Find("model") is { Deployment.Waiting.Length: > 0 });
        _gateways.Two.Controller.Undeploy("model");

        var kinds = _gateways.Two.Decisions.Newest("model", 10).Select(entry => entry.Kind).ToList();
        Assert.Equal("deployed", kinds[0]);
        Assert.Equal("undeployed", kinds[^1]);
    }

    // The controllers gather changes for a moment of their clock, which moves slowly enough for no node to be taken for silent.
    private Task Until(Func<bool> condition)
    {
        var looks = 0;
        return Eventually.TrueAsync(() =>
        {
            if (looks++ % 20 == 0 && looks < 1000)
                _gateways.Clock.Advance(TimeSpan.FromMilliseconds(21));
            return condition();
        });
    }

    private static async Task<WorkerOrders?> OrdersTo(NodeConnection connection) =>
        (await TestRegistry.SentAsync(connection)).OfType<GatewayMessage>().LastOrDefault(message => message.Workers is not null)?.Workers;
}
