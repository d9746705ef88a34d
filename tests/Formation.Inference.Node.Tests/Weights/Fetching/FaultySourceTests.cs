using Formation.Inference.Cluster.Weights;
using Formation.Inference.Node.Tests.Fakes;
using Formation.Inference.Node.Weights.Fetching;
using Formation.Inference.Node.Weights.Store;
using Formation.Inference.Testing.Files;

namespace Formation.Inference.Node.Tests.Weights.Fetching;

/// <summary>Sources that lie, fail, stall, or have not got everything: the weights are right in the end, or the fetch fails and says why.</summary>
public sealed class FaultySourceTests : IAsyncLifetime
{
    private readonly TemporaryDirectory _folder = new();
    private readonly List<string> _log = [];
    private TinyWeights _weights = null!;
    private ModelFiles _served = null!;
    private ScriptedSource _good = null!;
    private ScriptedSource _bad = null!;

    public async ValueTask InitializeAsync()
    {
        _weights = await TinyWeights.BuildAsync();
        _served = _weights.Serve();
        _good = new ScriptedSource("good", _served);
        _bad = new ScriptedSource("bad", _served);
    }

    public ValueTask DisposeAsync()
    {
        _served.Dispose();
        _weights.Dispose();
        _folder.Dispose();
        return ValueTask.CompletedTask;
    }

    [Fact]
    public async Task A_flipped_bit_is_found_and_the_chunk_is_fetched_again_from_another_source()
    {
        var flipped = -1;
        _bad.After = (chunk, bytes) =>
        {
            if (Interlocked.CompareExchange(ref flipped, chunk, -1) == -1)
                bytes.Span[bytes.Length / 2] ^= 0x10;
        };
        using var fetched = await EnsureAsync(_bad, _good);
        Assert.Equal(1, fetched.Counters.Rejected);
        Assert.Contains(flipped, _good.Asked);
        AssertRight(fetched);
    }

    [Fact]
    public async Task A_flipped_bit_from_the_only_source_is_fetched_again_from_that()
    {
        var flips = 0;
        _bad.After = (_, bytes) => bytes.Span[0] ^= (byte)(Interlocked.Increment(ref flips) <= 2 ? 1 : 0);
        using var fetched = await EnsureAsync(_bad);
        Assert.Equal(2, fetched.Counters.Rejected);
        AssertRight(fetched);
    }

    [Fact]
    public async Task A_source_that_lies_is_left_out_and_named()
    {
        _bad.After = (_, bytes) => bytes.Span.Clear();
        using var fetched = await EnsureAsync(_bad, _good);
        AssertRight(fetched);
        Assert.Contains(_log, line => line.StartsWith("bad is left out: ", StringComparison.Ordinal));
        // Those that were under way when it was left out are all that it was asked for.
        Assert.InRange(_bad.Asked.Count, 1, new FetchOptions().MaxWrongChunks + new FetchOptions().ChunksPerSource);
    }

    [Fact]
    public async Task Liars_alone_end_the_fetch_with_their_names_and_nothing_wrong_is_kept()
    {
        _bad.After = (_, bytes) => bytes.Span[0] ^= 1;
        var error = await Assert.ThrowsAsync<WeightFetchException>(() => EnsureAsync(_bad));
        Assert.Contains("bad: 3 of its chunks", error.Message);
        Assert.Equal(0, new WeightStore(_folder.Path, TimeProvider.System).Find(_weights.Manifest.Digest)!.Held().Count);
    }

    [Fact]
    public async Task A_source_that_fails_is_tried_again_and_then_left_out()
    {
        _bad.Before = (_, _) => throw new ChunkSourceException(ChunkSourceFault.Unreachable, "the connection broke");
        using var fetched = await EnsureAsync(_bad, _good);
        AssertRight(fetched);
        Assert.Contains("bad is left out: the connection broke", _log);
        Assert.True(_bad.Asked.Count >= new FetchOptions().MaxFailures);
    }

    [Fact]
    public async Task A_source_that_fails_now_and_then_serves_all_the_same()
    {
        var calls = 0;
        _bad.Before = (_, _) => Interlocked.Increment(ref calls) % 7 == 0
            ? throw new ChunkSourceException(ChunkSourceFault.Unreachable, "the connection broke")
            : Task.CompletedTask;
        using var fetched = await EnsureAsync(_bad);
        AssertRight(fetched);
    }

    [Fact]
    public async Task A_source_that_refuses_is_asked_no_more()
    {
        _bad.Before = (_, _) => throw new ChunkSourceException(ChunkSourceFault.Refused, "this node was removed");
        using var fetched = await EnsureAsync(_bad, _good);
        AssertRight(fetched);
        Assert.InRange(_bad.Asked.Count, 1, new FetchOptions().ChunksPerSource);
        var error = await Assert.ThrowsAsync<WeightFetchException>(() => EnsureElsewhereAsync(_bad));
        Assert.Contains("this node was removed", error.Message);
    }

    [Fact]
    public async Task A_source_that_stalls_loses_its_chunks_to_others()
    {
        _bad.Before = (_, _) => new TaskCompletionSource().Task;
        using var fetched = await EnsureAsync(new FetchOptions { Patience = TimeSpan.FromMilliseconds(50), FirstPause = TimeSpan.FromMilliseconds(1) }, _bad, _good);
        AssertRight(fetched);
    }

    [Fact]
    public async Task A_source_that_does_not_say_what_it_has_keeps_nobody_waiting()
    {
        _bad.BeforeClaims = stop => Task.Delay(Timeout.Infinite, stop);
        using var fetched = await EnsureAsync(_bad, _good);
        AssertRight(fetched);
        Assert.Empty(_bad.Asked);
    }

    [Fact]
    public async Task A_source_that_answers_late_is_waited_for_where_it_alone_may_have_the_rest()
    {
        _good.Claims = ChunkSet.All(_weights.Manifest.ChunkCount);
        _good.Claims.Remove(30);
        _bad.BeforeClaims = _ => Eventually.TrueAsync(() => _good.Asked.Count == _weights.Manifest.ChunkCount - 1);
        using var fetched = await EnsureAsync(_good, _bad);
        AssertRight(fetched);
        Assert.Equal([30], _bad.Asked);
    }

    [Fact]
    public async Task Several_sources_that_have_a_part_each_make_a_whole()
    {
        _good.Claims = new ChunkSet(_weights.Manifest.ChunkCount);
        _bad.Claims = new ChunkSet(_weights.Manifest.ChunkCount);
        foreach (var chunk in Enumerable.Range(0, _weights.Manifest.ChunkCount))
            (chunk % 3 == 0 ? _good : _bad).Claims!.Add(chunk);
        using var fetched = await EnsureAsync(_good, _bad);
        AssertRight(fetched);
        Assert.All(_good.Asked, chunk => Assert.Equal(0, chunk % 3));
        Assert.All(_bad.Asked, chunk => Assert.NotEqual(0, chunk % 3));
    }

    [Fact]
    public async Task A_source_that_claims_what_it_has_not_got_loses_nothing_but_those_chunks()
    {
        _bad.Before = (chunk, _) => chunk % 2 == 0
            ? throw new ChunkSourceException(ChunkSourceFault.NotHeld, "it has not got the chunk")
            : Task.CompletedTask;
        using var fetched = await EnsureAsync(_bad, _good);
        AssertRight(fetched);
        Assert.DoesNotContain(_log, line => line.Contains("left out", StringComparison.Ordinal));
    }

    [Fact]
    public async Task Chunks_that_nobody_has_end_the_fetch_and_the_others_are_kept()
    {
        var last = _weights.Manifest.ChunkCount - 1;
        foreach (var source in (ScriptedSource[])[_good, _bad])
        {
            source.Claims = ChunkSet.All(_weights.Manifest.ChunkCount);
            source.Claims.Remove(last);
        }
        var error = await Assert.ThrowsAsync<WeightFetchException>(() => EnsureAsync(_good, _bad));
        Assert.Contains("1 chunks", error.Message);
        Assert.Contains("good: it has not got them", error.Message);

        _good.Claims = null;
        _good.Asked.Clear();
        using var fetched = await EnsureAsync(_good);
        Assert.Equal([last], _good.Asked);
        AssertRight(fetched);
    }

    [Fact]
    public async Task A_wrong_manifest_is_refused_and_asked_of_the_next_source()
    {
        _bad.Manifest = bytes => [.. bytes[..^1], (byte)(bytes[^1] ^ 1)];
        using var fetched = await EnsureAsync(_bad, _good);
        AssertRight(fetched);
        Assert.Equal(1, fetched.Counters.Rejected);
        await Assert.ThrowsAsync<WeightFetchException>(() => EnsureElsewhereAsync(_bad));
    }

    [Fact]
    public async Task A_source_that_takes_long_for_the_manifest_holds_nobody_up()
    {
        _bad.BeforeManifest = stop => Task.Delay(Timeout.Infinite, stop);
        using var fetched = await EnsureAsync(new FetchOptions { NextManifestSource = TimeSpan.FromMilliseconds(10) }, _bad, _good);
        AssertRight(fetched);
    }

    [Fact]
    public async Task A_manifest_that_comes_late_is_taken_where_the_others_have_none()
    {
        _good.BeforeManifest = stop => Task.Delay(50, stop);
        _bad.Manifest = _ => [];
        using var fetched = await EnsureAsync(new FetchOptions { NextManifestSource = TimeSpan.FromMilliseconds(1) }, _good, _bad);
        AssertRight(fetched);
    }

    [Fact]
    public async Task No_more_chunks_are_under_way_than_the_options_allow()
    {
        var options = new FetchOptions { MaxChunksUnderWay = 3, ChunksPerSource = 2 };
        _good.Before = _bad.Before = (_, stop) => Task.Delay(1, stop);
        using var fetched = await EnsureAsync(options, _good, _bad);
        AssertRight(fetched);
        Assert.InRange(_good.MostUnderWay, 1, 2);
        Assert.InRange(_bad.MostUnderWay, 1, 2);
    }

    [Fact]
    public async Task A_disk_that_fails_ends_the_fetch_at_once()
    {
        Directory.CreateDirectory(Path.Combine(_folder.Path, _weights.Manifest.Digest, "model.gguf"));
        await Assert.ThrowsAnyAsync<Exception>(() => EnsureAsync(_good));
        Assert.Empty(_good.Asked);
    }

    private Task<HeldWeights> EnsureAsync(params ScriptedSource[] sources) =>
        EnsureAsync(new FetchOptions { FirstPause = TimeSpan.FromMilliseconds(1) }, sources);

    private Task<HeldWeights> EnsureAsync(FetchOptions options, params ScriptedSource[] sources) => EnsureAsync(_folder.Path, options, sources);

    private Task<HeldWeights> EnsureElsewhereAsync(params ScriptedSource[] sources) =>
        EnsureAsync(_folder.File("elsewhere"), new FetchOptions(), sources);

    private Task<HeldWeights> EnsureAsync(string folder, FetchOptions options, ScriptedSource[] sources) =>
        new WeightFetcher(new WeightStore(folder, TimeProvider.System), options, TimeProvider.System, line =>
        {
            lock (_log)
                _log.Add(line);
        }).EnsureAsync(new WeightRequest(_weights.Manifest.Digest, Formation.Inference.Engine.Models.ModelPart.Whole) { Sources = sources });

    private void AssertRight(HeldWeights fetched) => Assert.Equal(File.ReadAllBytes(_weights.Path), File.ReadAllBytes(fetched.Path));
}
