using Formation.Inference.Cluster.Deployments;
using Formation.Inference.Cluster.Gateways;
using Formation.Inference.Cluster.Nodes;
using Formation.Inference.Cluster.Nodes.Control.Wire;
using Formation.Inference.Cluster.Placement;
using Formation.Inference.Cluster.Tests.Fakes;
using Formation.Inference.Cluster.Tests.Placement;
using Formation.Inference.Testing;

namespace Formation.Inference.Cluster.Tests.Deployments;

public sealed class DeploymentControllerTests : IAsyncDisposable
{
    private readonly TestRegistry _cluster = new();
    private readonly TestFolder _folder = new();
    private DeploymentController _controller;

    public DeploymentControllerTests() => _controller = Open();

    private DecisionLog Log => DecisionLog.Open(_folder.Database);

    private static DeploymentSpec Spec { get; } = new() { ModelId = "model", Placement = PlacementCases.Request };

    private static DeployedModel Model { get; } = new(new string('a', 64), "/models/model.gguf", Certificates.Now, PlacementCases.Model());

    [Fact]
    public async Task A_node_is_told_what_to_run_when_a_model_is_deployed()
    {
        _cluster.Admit("a");
        var connection = _cluster.Connect("a");

        _controller.Deploy(Spec, Model);
        await Until(() => _controller.Find("model")!.Replicas.Count == 1);

        var order = (await OrdersTo(connection)).Workers.Single();
        Assert.Equal(("model", WorkerRole.Head, 8), (order.ModelId, order.Role, order.LayerCount));
    }

    [Fact]
    public async Task A_node_that_registers_anew_is_told_again()
    {
        _cluster.Admit("a");
        _cluster.Connect("a");
        _controller.Deploy(Spec, Model);
        await Until(() => _controller.Find("model")!.Replicas.Count == 1);

        var connection = _cluster.Connect("a");

        Assert.Single((await OrdersTo(connection)).Workers);
    }

    [Fact]
    public async Task A_gateway_that_starts_again_finds_its_deployments_and_gives_the_same_orders()
    {
        _cluster.Admit("a");
        var before = _cluster.Connect("a");
        _controller.Deploy(Spec, Model);
        await Until(() => _controller.Find("model")!.Replicas.Count == 1);

        await _controller.DisposeAsync();
        _cluster.Restart();
        _controller = Open();
        var after = _cluster.Connect("a");

        Assert.Equal(await OrdersTo(before), await OrdersTo(after));
    }

    [Fact]
    public async Task A_model_that_is_deployed_no_more_is_ended_on_its_nodes()
    {
        _cluster.Admit("a");
        var connection = _cluster.Connect("a");
        _controller.Deploy(Spec, Model);
        await Until(() => _controller.Find("model")!.Replicas.Count == 1);
        var version = _controller.Version;

        Assert.True(_controller.Undeploy("model"));
        await Until(() => _controller.Version > version);

        Assert.Empty((await OrdersTo(connection)).Workers);
        Assert.Null(_controller.Find("model"));
        Assert.False(_controller.Undeploy("model"));
    }

    [Fact]
    public async Task A_deployment_that_was_put_to_sleep_is_placed_again_when_it_is_woken_and_not_before()
    {
        _cluster.Admit("a");
        var connection = _cluster.Connect("a");
        await _controller.DisposeAsync();
        DeploymentStore.Open(_folder.Database).TrySave(new Deployment(Spec, Model, Certificates.Now) { Asleep = Certificates.Now }, 0);
        _controller = Open();
        var replicas = new DeployedReplicas(_controller);
        var version = _controller.Version;
        await Until(() => _controller.Version > version);
        Assert.True(replicas.Find("model")!.IsAsleep);
        Assert.Empty(_controller.Find("model")!.Replicas);

        replicas.Wake("model");
        replicas.Wake("nobody's");
        await Until(() => _controller.Find("model")!.Replicas.Count == 1);

        Assert.False(replicas.Find("model")!.IsAsleep);
        Assert.Single((await OrdersTo(connection)).Workers);
        Assert.Null(Assert.Single(DeploymentStore.Open(_folder.Database).Load()).Deployment.Asleep);
        Assert.Contains(Log.Newest("model", 10), entry => entry.Kind == "woken");
    }

    [Fact]
    public async Task Whoever_waits_for_a_change_learns_of_it()
    {
        var waiting = _controller.WaitForChangeAsync(_controller.Version, TestContext.Current.CancellationToken);
        Assert.False(waiting.IsCompleted);

        _controller.Deploy(Spec, Model);
        await Until(() => waiting.IsCompleted && _controller.Find("model")!.Deployment.Waiting.Length > 0);

        Assert.Contains("no node", _controller.Find("model")!.Deployment.Waiting, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_look_that_fails_is_noted_and_not_the_last_one()
    {
        await _controller.DisposeAsync();
        var policy = new FailingPolicy();
        _controller = Open(policy);
        _cluster.Admit("a");
        _cluster.Connect("a");

        _controller.Deploy(Spec, Model);
        await Until(() => _cluster.Registry.Log.Newest("", 10).Any(entry => entry.Kind == "not-reconciled"));
        policy.Fails = false;

        await Until(() => _controller.Find("model")!.Replicas.Count == 1);
    }

    [Fact]
    public void What_a_damaged_file_holds_is_not_guessed_at()
    {
        var store = DeploymentStore.Open(_folder.Database);
        store.TrySave(new Deployment(Spec, Model, Certificates.Now), 0);
        _folder.Database.Execute("UPDATE deployments SET body = '{'");

        Assert.Contains("model", Assert.Throws<InvalidDataException>(store.Load).Message, StringComparison.Ordinal);
    }

    public async ValueTask DisposeAsync()
    {
        await _controller.DisposeAsync();
        _cluster.Dispose();
        _folder.Dispose();
    }

    private DeploymentController Open(IPlacementPolicy? policy = null) => new(
        _cluster.Registry, DeploymentStore.Open(_folder.Database), new SoleGateway(TestRegistry.GatewayPin), Log, policy ?? new FastestPlacement(),
        new ReconcilerOptions(), _cluster.Clock);

    // The controller gathers changes for a moment of its clock, which moves slowly enough for no node to be taken for silent.
    private Task Until(Func<bool> condition)
    {
        var looks = 0;
        return Eventually.TrueAsync(() =>
        {
            if (looks++ % 20 == 0 && looks < 1000)
                _cluster.Clock.Advance(TimeSpan.FromMilliseconds(21));
            return condition();
        });
    }

    private static async Task<WorkerOrders> OrdersTo(NodeConnection connection) =>
        (await TestRegistry.SentAsync(connection)).OfType<GatewayMessage>().Last(message => message.Workers is not null).Workers;

    private sealed class FailingPolicy : IPlacementPolicy
    {
        private readonly FastestPlacement _inner = new();

        public bool Fails { get; set; } = true;

        public string Name => "failing";

        public PlacementResult Place(ModelShape model, PlacementRequest request, IReadOnlyList<NodeOffer> nodes) =>
            Fails ? throw new InvalidOperationException("out of luck") : _inner.Place(model, request, nodes);
    }
}
