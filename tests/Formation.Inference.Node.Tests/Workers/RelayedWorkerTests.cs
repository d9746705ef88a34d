using Formation.Inference.Cluster.Identity;
using Formation.Inference.Cluster.Nodes;
using Formation.Inference.Cluster.Placement;
using Formation.Inference.Cluster.Routing;
using Formation.Inference.Cluster.Workers;
using Formation.Inference.Node.Heads;
using Formation.Inference.Node.Relays;
using Formation.Inference.Node.Tests.Relays;
using Formation.Inference.Testing.Files;
using Formation.Inference.Testing.Models;
using Formation.Inference.Testing.Serving;

namespace Formation.Inference.Node.Tests.Workers;

/// <summary>Workers without a port: a head and its stages reach each other, and the gateway reaches the head, through a relay alone.</summary>
public sealed class RelayedWorkerTests : IAsyncLifetime
{
    private readonly TemporaryDirectory _directory = new();
    private readonly TestRelay _relay = new();
    private readonly NodeIdentity _node = NodeIdentity.CreateInMemory(TimeProvider.System);
    private readonly List<HostedWorker> _workers = [];
    private readonly string _path;
    private readonly NodeConnection _connection;

    public RelayedWorkerTests()
    {
        _path = _directory.File("model.gguf");
        TinyModel.Build(_path, new TinyModelOptions { LayerCount = 4 });
        _connection = _relay.Connect("hidden", _node.Pin, call =>
            _workers.Find(worker => worker.Order.Id == call.Worker)?.Answer(new RelayCall(_relay.Identity.Pin, call.Ticket.ToByteArray())));
    }

    public ValueTask InitializeAsync() => ValueTask.CompletedTask;

    public async ValueTask DisposeAsync()
    {
        foreach (var worker in _workers)
            await worker.DisposeAsync();
        await _relay.DisposeAsync();
        _node.Dispose();
        _directory.Dispose();
    }

    [Fact]
    public async Task A_head_and_its_stages_generate_what_they_generate_when_they_are_dialled()
    {
        var expected = await GenerateAsync(await StartAsync(null), null);
        await StopAsync();

        var actual = await GenerateAsync(await StartAsync(_relay), _relay.OwnDialer);

        Assert.NotEqual("", expected);
        Assert.Equal(expected, actual);
    }

    [Fact]
    public async Task A_removed_node_loses_the_connections_of_its_workers_at_once()
    {
        await StartAsync(_relay);
        Assert.Equal(3, _relay.Service.Count);

        _relay.Registry.Remove("hidden");

        await Eventually.TrueAsync(() => _relay.Service.Count == 0 && _workers[0].Report.Chain.Count == 0);
    }

    private async Task<HostedWorker> StartAsync(TestRelay? relay)
    {
        var head = New(HostedWorker.Head(new LayerSpan(0, 1)) with { Callers = [_relay.Identity.Pin] }, relay);
        var first = New(HostedWorker.Stage(new LayerSpan(1, 2)), relay);
        var second = New(HostedWorker.Stage(new LayerSpan(3, 1)), relay);
        await Eventually.TrueAsync(() =>
            head.Report.State == WorkerState.Waiting && first.Report.State == WorkerState.Ready && second.Report.State == WorkerState.Ready);
        Assert.Equal(relay is null, head.Last.Port > 0 && first.Last.Port > 0);
        Assert.True(head.Last.IsOpen && first.Last.IsOpen);
        _relay.Report(_connection, [.. _workers.Select(worker => worker.Report)]);
        HostedWorker.Introduce(head, first, second);
        await Eventually.TrueAsync(() => head.Report.State == WorkerState.Ready);
        return head;
    }

    private async Task<string> GenerateAsync(HostedWorker head, IRelayDialer? relays)
    {
        await using var client = new HeadClient(_relay.Identity, new HeadClientOptions(), TimeProvider.System, relays);
        var endpoint = head.Endpoint;
        var replica = new Replica("replica", "hidden", endpoint.Pin, endpoint.Addresses);
        var request = TinyServer.Request("a story", 24) with { ModelId = head.Order.ModelId, Sampling = SamplingParams.Default with { Seed = 7 } };
        var text = "";
        await foreach (var item in client.GenerateAsync(replica, request, TestContext.Current.CancellationToken))
            text += item switch
            {
                GenerationDelta delta => delta.Text.Value,
                GenerationFailed failed => throw new InvalidOperationException(failed.Error.Message),
                _ => "",
            };
        // The head has a connection with each stage, the stages have one with each other, and the gateway has its own with the head.
        Assert.Equal(relays is null ? 0 : 4, _relay.Service.Count);
        return text;
    }

    private async Task StopAsync()
    {
        foreach (var worker in _workers)
            await worker.DisposeAsync();
        _workers.Clear();
    }

    private HostedWorker New(WorkerOrder order, TestRelay? relay)
    {
        var worker = new HostedWorker(order, _path, relay);
        _workers.Add(worker);
        return worker;
    }
}
