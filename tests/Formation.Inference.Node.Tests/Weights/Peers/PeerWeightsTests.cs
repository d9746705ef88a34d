using Formation.Inference.Cluster.Weights;
using Formation.Inference.Engine.Models;
using Formation.Inference.Node.Tests.Fakes;
using Formation.Inference.Node.Tests.Weights.Store;
using Formation.Inference.Node.Weights.Fetching;
using Formation.Inference.Node.Weights.Peers;
using Formation.Inference.Node.Weights.Store;
using Formation.Inference.Testing.Files;

namespace Formation.Inference.Node.Tests.Weights.Peers;

/// <summary>Nodes that fetch from each other over real connections on loopback.</summary>
public sealed class PeerWeightsTests : IAsyncLifetime
{
    private readonly TemporaryDirectory _folder = new();
    private readonly List<string> _log = [];
    private readonly TaskCompletionSource _leftOut = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private TinyWeights _weights = null!;
    private ModelFiles _served = null!;
    private ScriptedSource _gateway = null!;
    private WeightStore _peerStore = null!;
    private WeightPeerServer _server = null!;
    private TestNode _peer = null!;
    private TestNode _node = null!;

    public async ValueTask InitializeAsync()
    {
        _weights = await TinyWeights.BuildAsync();
        _served = _weights.Serve();
        _gateway = new ScriptedSource("gateway", _served);
        _peerStore = new WeightStore(_folder.File("peer"), TimeProvider.System);
        _server = new WeightPeerServer(_peerStore.Find, TimeProvider.System);
        _peer = new TestNode("peer", new() { [WeightPeerServer.Protocol] = _server.ServeAsync });
        _node = TestNode.Probed("node");
        _peer.Knows(_node);
    }

    public async ValueTask DisposeAsync()
    {
        await _node.DisposeAsync();
        await _peer.DisposeAsync();
        _server.Dispose();
        _served.Dispose();
        _weights.Dispose();
        _folder.Dispose();
    }

    [Fact]
    public async Task A_node_fetches_from_another_what_that_one_has_and_the_rest_from_the_gateway()
    {
        (await FetchAsync(_peerStore, TinyWeights.Middle, _gateway)).Dispose();
        var held = _peerStore.Find(_weights.Manifest.Digest)!.Held();
        _gateway.Claims = ChunkSet.All(held.Capacity);
        foreach (var chunk in held.Chunks)
            _gateway.Claims.Remove(chunk);
        using var source = Source();
        using var fetched = await FetchAsync(Store("own"), null, source, _gateway);

        AssertRight(fetched);
        var fromPeer = _weights.BytesOf(TinyWeights.Middle);
        Assert.Equal(_weights.Manifest.TotalBytes, fetched.Counters.ChunkBytesReceived);
        Assert.Equal(fromPeer + _weights.Manifest.Bytes.Length, fetched.Counters.BytesBySource["peer"]);
        Assert.Equal(_weights.Manifest.TotalBytes - fromPeer, fetched.Counters.BytesBySource["gateway"]);
        Assert.True(_server.BytesSent >= fetched.Counters.BytesBySource["peer"]);
    }

    [Fact]
    public async Task A_peer_alone_is_enough_where_it_has_everything()
    {
        (await FetchAsync(_peerStore, null, _gateway)).Dispose();
        _gateway.Asked.Clear();
        using var source = Source();
        using var fetched = await FetchAsync(Store("own"), TinyWeights.Middle, source);
        Assert.Equal(_weights.BytesOf(TinyWeights.Middle), fetched.Counters.ChunkBytesReceived);
        Assert.Empty(_gateway.Asked);
        Assert.InRange(_peer.Listener.OpenConnections, 1, new FetchOptions().ChunksPerSource + 1);
    }

    [Fact]
    public async Task A_chunk_that_went_bad_on_the_peers_disk_comes_from_elsewhere_and_makes_nobody_a_liar()
    {
        using (var stored = await FetchAsync(_peerStore, null, _gateway))
            WeightStoreTests.FlipBit(stored.Path, _weights.Manifest.PlaceOf(20).Offset);
        using var source = Source();
        using var fetched = await FetchAsync(Store("own"), null, source, _gateway);
        AssertRight(fetched);
        Assert.Equal(0, fetched.Counters.Rejected);
        Assert.DoesNotContain(_log, line => line.Contains("left out", StringComparison.Ordinal));
    }

    [Fact]
    public async Task A_model_that_the_peer_does_not_have_is_told_as_such()
    {
        using var source = Source();
        var error = await Assert.ThrowsAsync<WeightFetchException>(() => FetchAsync(Store("own"), null, source));
        Assert.Contains("peer: it has not got what was asked for", error.Message);
    }

    [Fact]
    public async Task A_removed_node_gets_nothing()
    {
        (await FetchAsync(_peerStore, null, _gateway)).Dispose();
        _peer.Knows();
        using var source = Source();
        var error = await Assert.ThrowsAsync<WeightFetchException>(() => FetchAsync(Store("own"), null, source));
        Assert.Contains("peer: ", error.Message);
        Assert.Equal(0, _server.BytesSent);
    }

    [Fact]
    public async Task A_node_that_is_removed_in_the_middle_is_cut_and_goes_on_elsewhere()
    {
        (await FetchAsync(_peerStore, null, _gateway)).Dispose();
        var isCut = false;
        // The gateway lets the peer go first, so that it is in the middle of its chunks when it is cut.
        _gateway.Before = (chunk, _) => chunk < 5 ? Task.CompletedTask : _leftOut.Task;
        using var source = Source();
        using var fetched = await FetchAsync(Store("own"), null, new Watched(source, chunk =>
        {
            if (chunk <= 10 || isCut)
                return;
            isCut = true;
            _peer.Knows();
        }), _gateway);
        AssertRight(fetched);
        Assert.Contains(_log, line => line.StartsWith("peer is left out", StringComparison.Ordinal));
        await Eventually.TrueAsync(() => _peer.Listener.OpenConnections == 0);
    }

    [Fact]
    public async Task A_connection_that_was_ended_while_it_lay_idle_is_dialled_anew()
    {
        (await FetchAsync(_peerStore, null, _gateway)).Dispose();
        using var source = Source();
        var chunk = new byte[_weights.Manifest.PlaceOf(0).Length];
        await source.ReadChunkAsync(_weights.Manifest, 0, chunk, default);
        _peer.Knows();
        await Eventually.TrueAsync(() => _peer.Listener.OpenConnections == 0);
        _peer.Knows(_node);
        await source.ReadChunkAsync(_weights.Manifest, 0, chunk, default);
        Assert.Equal(_weights.Chunk(0), chunk);
    }

    [Fact]
    public async Task A_node_that_lays_hands_on_a_local_file_serves_that()
    {
        var fetcher = new WeightFetcher(_peerStore, new FetchOptions(), TimeProvider.System);
        using var local = await fetcher.EnsureAsync(new WeightRequest(_weights.Manifest.Digest, TinyWeights.Middle) { Sources = [_gateway], LocalPaths = [_weights.Path] });
        Assert.True(local.IsLocal);
        using var server = new WeightPeerServer(fetcher.Find, TimeProvider.System);
        await using var peer = new TestNode("local", new() { [WeightPeerServer.Protocol] = server.ServeAsync });
        peer.Knows(_node);
        using var source = new PeerChunkSource(_node.Identity, peer.AsPeer, TimeProvider.System);
        using var fetched = await FetchAsync(Store("own"), null, source);
        AssertRight(fetched);
    }

    private PeerChunkSource Source() => new(_node.Identity, _peer.AsPeer, TimeProvider.System);

    private WeightStore Store(string name) => new(_folder.File(name), TimeProvider.System);

    private Task<HeldWeights> FetchAsync(WeightStore store, ModelPart? part, params IChunkSource[] sources) =>
        new WeightFetcher(store, new FetchOptions { FirstPause = TimeSpan.FromMilliseconds(1) }, TimeProvider.System, line =>
        {
            lock (_log)
                _log.Add(line);
            if (line.StartsWith("peer is left out", StringComparison.Ordinal))
                _leftOut.TrySetResult();
        }).EnsureAsync(new WeightRequest(_weights.Manifest.Digest, config => part ?? ModelPart.Whole(config)) { Sources = sources });

    private void AssertRight(HeldWeights fetched) => Assert.Equal(File.ReadAllBytes(_weights.Path), File.ReadAllBytes(fetched.Path));

    private sealed class Watched(IChunkSource source, Action<int> asked) : IChunkSource
    {
        public string Name => source.Name;

        public Task<byte[]> ReadManifestAsync(string digest, CancellationToken cancellationToken) => source.ReadManifestAsync(digest, cancellationToken);

        public Task<ChunkSet> ReadHoldingsAsync(ModelManifest manifest, CancellationToken cancellationToken) => source.ReadHoldingsAsync(manifest, cancellationToken);

        public Task ReadChunkAsync(ModelManifest manifest, int chunk, Memory<byte> destination, CancellationToken cancellationToken)
        {
            asked(chunk);
            return source.ReadChunkAsync(manifest, chunk, destination, cancellationToken);
        }
    }
}
