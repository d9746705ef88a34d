using Formation.Inference.Cluster.Weights;
using Formation.Inference.Engine.Devices;
using Formation.Inference.Engine.Gguf;
using Formation.Inference.Engine.Models;
using Formation.Inference.Engine.Stages;
using Formation.Inference.Node.Tests.Fakes;
using Formation.Inference.Node.Tests.Weights.Store;
using Formation.Inference.Node.Weights.Fetching;
using Formation.Inference.Node.Weights.Store;
using Formation.Inference.Testing.Files;
using Formation.Inference.Testing.Stages;

namespace Formation.Inference.Node.Tests.Weights.Fetching;

public sealed class WeightFetcherTests : IAsyncLifetime
{
    private readonly TemporaryDirectory _folder = new();
    private readonly List<string> _log = [];
    private TinyWeights _weights = null!;
    private ScriptedSource _source = null!;
    private ModelFiles _served = null!;

    public static TheoryData<int, int, bool> Parts => new() { { 1, 2, false }, { 0, 1, true }, { 0, 0, true }, { 0, 4, true }, { 3, 1, false } };

    public async ValueTask InitializeAsync() => Use(await TinyWeights.BuildAsync());

    public ValueTask DisposeAsync()
    {
        DisposeModel();
        _folder.Dispose();
        return ValueTask.CompletedTask;
    }

    [Theory, MemberData(nameof(Parts))]
    public async Task Only_the_bytes_that_a_part_needs_cross_the_wire(int first, int count, bool hasEnds)
    {
        var part = new ModelPart(new LayerRange(first, count), hasEnds);
        using var fetched = await EnsureAsync(part);
        Assert.Equal(_weights.BytesOf(part), fetched.BytesNeeded);
        Assert.Equal(fetched.BytesNeeded, fetched.Counters.ChunkBytesReceived);
        Assert.Equal(_weights.Manifest.Bytes.Length, fetched.Counters.ManifestBytesReceived);
        Assert.Equal(_source.Asked.Count, _source.Asked.Distinct().Count());
        Assert.Equal(fetched.BytesNeeded + _weights.Manifest.Bytes.Length, fetched.Counters.BytesBySource["gateway"]);
        Assert.False(fetched.IsLocal);
    }

    [Fact]
    public async Task Layers_compute_from_what_was_fetched_what_they_compute_from_the_original()
    {
        using var fetched = await EnsureAsync(TinyWeights.Middle);
        Assert.Equal(await OutputsAsync(_weights.Path), await OutputsAsync(fetched.Path));
    }

    [Fact]
    public async Task The_parts_of_a_split_model_are_fetched_in_part_and_compute_the_same()
    {
        DisposeModel();
        Use(await TinyWeights.BuildAsync(tensorsPerPart: 9));
        using var fetched = await EnsureAsync(TinyWeights.Middle);
        Assert.Equal(_weights.BytesOf(TinyWeights.Middle), fetched.Counters.ChunkBytesReceived);
        Assert.Equal(await OutputsAsync(_weights.Path), await OutputsAsync(fetched.Path));
    }

    [Fact]
    public async Task A_restart_fetches_nothing_and_asks_nobody()
    {
        (await EnsureAsync(TinyWeights.Middle)).Dispose();
        _source.Asked.Clear();
        using var again = await Fetcher().EnsureAsync(new WeightRequest(_weights.Manifest.Digest, TinyWeights.Middle));
        Assert.Equal(0, again.Counters.ChunkBytesReceived + again.Counters.ManifestBytesReceived);
        Assert.Empty(_source.Asked);
    }

    [Fact]
    public async Task Further_layers_cost_only_what_is_not_here_yet()
    {
        using var first = await EnsureAsync(TinyWeights.Middle);
        using var both = await EnsureAsync(new ModelPart(new LayerRange(0, 4), HasEnds: true));
        Assert.Equal(both.BytesNeeded, first.Counters.ChunkBytesReceived + both.Counters.ChunkBytesReceived);
        Assert.True(both.Counters.ChunkBytesReceived < both.BytesNeeded);
        Assert.Equal(File.ReadAllBytes(_weights.Path), File.ReadAllBytes(both.Path));
    }

    [Fact]
    public async Task A_fetch_that_was_cut_goes_on_where_it_was()
    {
        using var cut = new CancellationTokenSource();
        _source.Before = (_, _) =>
        {
            if (_source.Asked.Count > 40)
                cut.Cancel();
            return Task.CompletedTask;
        };
        var fetcher = Fetcher(new FetchOptions { CommitBytes = 1 << 18 });
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => fetcher.EnsureAsync(Request(TinyWeights.Middle), cancellationToken: cut.Token));
        Assert.True(fetcher.Total.ChunkBytesReceived > 0);
        _source.Before = (_, _) => Task.CompletedTask;

        using var rest = await EnsureAsync(TinyWeights.Middle);
        Assert.True(rest.Counters.ChunkBytesReceived < rest.BytesNeeded);
        Assert.True(fetcher.Total.ChunkBytesReceived + rest.Counters.ChunkBytesReceived >= rest.BytesNeeded);
        Assert.Equal(await OutputsAsync(_weights.Path), await OutputsAsync(rest.Path));
    }

    [Fact]
    public async Task What_was_not_on_record_when_the_process_died_is_fetched_again()
    {
        // As a kill leaves it: bytes in their places, and nothing said of them.
        using (var fetched = await EnsureAsync(TinyWeights.Middle))
            File.Delete(Path.Combine(Path.GetDirectoryName(fetched.Path)!, "verified"));
        using var again = await EnsureAsync(TinyWeights.Middle);
        Assert.Equal(again.BytesNeeded, again.Counters.ChunkBytesReceived);
    }

    [Fact]
    public async Task Two_fetchers_at_once_fetch_each_chunk_once()
    {
        var both = await Task.WhenAll(EnsureAsync(TinyWeights.Middle), EnsureAsync(TinyWeights.Head));
        Assert.Equal(_source.Asked.Count, _source.Asked.Distinct().Count());
        Assert.All(both, fetched => Assert.Equal(both[0].Path, fetched.Path));
        Assert.Equal(await OutputsAsync(_weights.Path), await OutputsAsync(both[0].Path));
        Array.ForEach(both, fetched => fetched.Dispose());
    }

    [Fact]
    public async Task Progress_is_told_in_bytes_up_to_all_of_them()
    {
        var heard = new List<FetchProgress>();
        using var fetched = await Fetcher().EnsureAsync(Request(TinyWeights.Middle), new Heard<FetchProgress>(heard));
        Assert.Equal(new FetchProgress(FetchPhase.Done, fetched.BytesNeeded, fetched.BytesNeeded), heard[^1]);
        Assert.Contains(new FetchProgress(FetchPhase.Fetching, fetched.BytesNeeded, fetched.BytesNeeded), heard);
        Assert.All(heard, step => Assert.InRange(step.BytesDone, 0, step.BytesTotal));
    }

    [Fact]
    public async Task A_bit_that_flipped_on_disk_is_found_and_fetched_again_where_that_is_asked_for()
    {
        int bad;
        using (var fetched = await EnsureAsync(TinyWeights.Middle))
        {
            bad = new WeightStore(_folder.Path, TimeProvider.System).Find(fetched.Manifest.Digest)!.Held().Chunks.Last();
            WeightStoreTests.FlipBit(fetched.Path, fetched.Manifest.PlaceOf(bad).Offset);
        }
        using var again = await Fetcher(new FetchOptions { VerifyStored = true }).EnsureAsync(Request(TinyWeights.Middle));
        Assert.Equal(again.Manifest.PlaceOf(bad).Length, again.Counters.ChunkBytesReceived);
        Assert.Equal(bad, _source.Asked.Last());
        Assert.Contains(_log, line => line.Contains($"Chunk {bad}", StringComparison.Ordinal));
        Assert.Equal(await OutputsAsync(_weights.Path), await OutputsAsync(again.Path));
    }

    [Fact]
    public async Task Layers_that_the_model_does_not_have_are_misuse_and_a_model_that_nobody_knows_is_told()
    {
        var error = await Assert.ThrowsAsync<WeightFetchException>(
            () => Fetcher().EnsureAsync(new WeightRequest(new string('0', 64), TinyWeights.Middle) { Sources = [_source] }));
        Assert.Contains("gateway: it does not know the model", error.Message);
        await Assert.ThrowsAsync<WeightFetchException>(() => Fetcher().EnsureAsync(new WeightRequest(_weights.Manifest.Digest, TinyWeights.Middle)));
        await Assert.ThrowsAsync<ArgumentException>(() => Fetcher().EnsureAsync(new WeightRequest("../x", TinyWeights.Middle)));
    }

    private void Use(TinyWeights weights)
    {
        _weights = weights;
        _served = weights.Serve();
        _source = new ScriptedSource("gateway", _served);
    }

    private void DisposeModel()
    {
        _served.Dispose();
        _weights.Dispose();
    }

    private WeightRequest Request(ModelPart part) => new(_weights.Manifest.Digest, part) { Sources = [_source] };

    private WeightFetcher Fetcher(FetchOptions? options = null) =>
        new(new WeightStore(_folder.Path, TimeProvider.System), options ?? new FetchOptions(), TimeProvider.System, line =>
        {
            lock (_log)
                _log.Add(line);
        });

    private Task<HeldWeights> EnsureAsync(ModelPart part) => Fetcher().EnsureAsync(Request(part));

    private static async Task<float[][]> OutputsAsync(string path)
    {
        using var file = GgufFile.Open(path);
        using var device = new CpuDevice(threads: 1);
        using var model = TransformerModel.LoadPart(file, TinyWeights.Middle, device);
        var layers = TinyWeights.Middle.Layers;
        using var stage = model.CreateStage(layers, model.KvShape(layers, 4), 64);
        return await new StageDriver(stage, model.Config.HiddenSize).PrefillAsync(new StageSequence(1, 7, [0, 1, 2, 3]), 8, 8);
    }
}
