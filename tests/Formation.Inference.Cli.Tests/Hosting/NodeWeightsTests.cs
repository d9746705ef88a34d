using System.Net;
using Formation.Inference.Cli.Tests.Fakes;
using Formation.Inference.Cluster.Nodes;
using Formation.Inference.Cluster.Weights;
using Formation.Inference.Engine.Models;
using Formation.Inference.Engine.Stages;
using Formation.Inference.Kernels.Formats;
using Formation.Inference.Node.Agent;
using Formation.Inference.Node.Weights;
using Formation.Inference.Node.Weights.Fetching;
using Formation.Inference.Node.Weights.Manifests;
using Formation.Inference.Node.Weights.Peers;
using Formation.Inference.Node.Weights.Store;
using Formation.Inference.Testing.Files;
using Formation.Inference.Testing.Models;

namespace Formation.Inference.Cli.Tests.Hosting;

/// <summary>Weights on their way through a network: a gateway with the model, and nodes that take what they need from it and from each other.</summary>
public sealed class NodeWeightsTests : IAsyncLifetime
{
    private static readonly ModelPart Whole = new(new LayerRange(0, 4), HasEnds: true);
    private static readonly ModelPart First = new(new LayerRange(0, 2), HasEnds: false);

    private readonly TemporaryDirectory _folder = new();
    private ModelFiles _model = null!;
    private TestControlPlane _gateway = null!;
    private WeighedNode _one = null!;
    private WeighedNode _two = null!;

    public async ValueTask InitializeAsync()
    {
        TinyModel.Build(_folder.File("model.gguf"), TinyModelOptions.Llama with { LayerCount = 4, MatrixType = TensorType.Q8_0 });
        var (manifest, paths) = await ManifestBuilder.BuildAsync(_folder.File("model.gguf"), chunkPower: 16);
        _model = ModelFiles.Open(manifest, paths);
        _gateway = await TestControlPlane.StartAsync(findModel: digest => digest == manifest.Digest ? _model : null);
        _one = await WeighedNode.JoinAsync(_gateway, "one", _folder.File("one"));
        _two = await WeighedNode.JoinAsync(_gateway, "two", _folder.File("two"));
        _one.Peers.Replace([_two.AsPeer]);
        _two.Peers.Replace([_one.AsPeer]);
    }

    public async ValueTask DisposeAsync()
    {
        await _one.DisposeAsync();
        await _two.DisposeAsync();
        await _gateway.DisposeAsync();
        _model.Dispose();
        _folder.Dispose();
    }

    [Fact]
    public async Task A_model_comes_from_the_gateway_and_from_a_node_that_has_a_part()
    {
        using var part = await EnsureAsync(_one, First);
        using var whole = await EnsureAsync(_two, Whole);
        AssertWhole(whole);
        Assert.Equal(_model.Manifest.TotalBytes, whole.Counters.ChunkBytesReceived);
        Assert.True(whole.Counters.BytesBySource.GetValueOrDefault("one") <= part.BytesNeeded);
        Assert.Equal(_two.Weights.Received.BytesBySource.Values.Sum(), whole.Counters.ChunkBytesReceived + whole.Counters.ManifestBytesReceived);
    }

    [Fact]
    public async Task Without_a_gateway_nodes_have_from_each_other_what_they_have()
    {
        (await EnsureAsync(_one, Whole)).Dispose();
        await _gateway.StopAsync();
        using var whole = await EnsureAsync(_two, Whole);
        AssertWhole(whole);
        Assert.Equal(["one"], whole.Counters.BytesBySource.Keys);
        Assert.True(_one.Weights.BytesSent >= _model.Manifest.TotalBytes);
    }

    [Fact]
    public async Task A_file_of_this_machine_is_used_and_given_on()
    {
        using var local = await _one.Weights.EnsureAsync(_model.Manifest.Digest, First, [_folder.File("model.gguf")], null, default);
        Assert.True(local.IsLocal);
        Assert.Equal(0, local.Counters.ChunkBytesReceived);
        await _gateway.StopAsync();
        using var whole = await EnsureAsync(_two, Whole);
        AssertWhole(whole);
    }

    [Fact]
    public async Task A_node_that_the_gateway_removed_is_given_nothing_by_anybody()
    {
        (await EnsureAsync(_one, Whole)).Dispose();
        _gateway.Registry.Remove("two");
        _one.Peers.Replace([]);
        var error = await Assert.ThrowsAsync<WeightFetchException>(() => EnsureAsync(_two, Whole));
        Assert.Contains("admitted", error.Message);
        Assert.Equal(0, _two.Weights.Received.ChunkBytesReceived);
    }

    private Task<HeldWeights> EnsureAsync(WeighedNode node, ModelPart part) => node.Weights.EnsureAsync(_model.Manifest.Digest, part, [], null, default);

    private void AssertWhole(HeldWeights weights) => Assert.Equal(File.ReadAllBytes(_model.Paths[0]), File.ReadAllBytes(weights.Path));

    /// <summary>An admitted node with a peer port and weights of its own.</summary>
    private sealed class WeighedNode : IAsyncDisposable
    {
        private readonly RawNode _node;
        private readonly string _name;
        private readonly PeerListener _listener;

        private WeighedNode(RawNode node, string name, TestControlPlane gateway, string folder)
        {
            (_node, _name) = (node, name);
            // As it was when the node joined: the gateway may be stopped later.
            var known = new KnownGateway(gateway.Plane.Pin, [gateway.Url.ToString()]);
            Weights = new NodeWeights(new NodeWeightsOptions
            {
                Identity = node.Identity,
                Peers = Peers,
                Gateways = () => [known],
                Store = new WeightStore(folder, TimeProvider.System),
                Fetch = new FetchOptions { FirstPause = TimeSpan.FromMilliseconds(1) },
                Clock = TimeProvider.System,
            });
            _listener = PeerListener.Start(
                new IPEndPoint(IPAddress.Loopback, 0), node.Identity, Peers,
                new Dictionary<string, PeerHandler> { [WeightPeerServer.Protocol] = Weights.Answers }, TimeProvider.System);
        }

        public PeerDirectory Peers { get; } = new();

        public NodeWeights Weights { get; }

        public NodePeer AsPeer => new(_name, _node.Identity.Pin, [_listener.Endpoint!.ToString()], IsOnline: true);

        public static async Task<WeighedNode> JoinAsync(TestControlPlane gateway, string name, string folder)
        {
            var node = new RawNode(gateway, TimeProvider.System);
            await node.JoinAsync(gateway.Token(), name);
            return new WeighedNode(node, name, gateway, folder);
        }

        public async ValueTask DisposeAsync()
        {
            await _listener.DisposeAsync();
            Weights.Dispose();
            _node.Dispose();
        }
    }
}
