using Formation.Inference.Cluster.Weights;
using Formation.Inference.Node.Tests.Fakes;
using Formation.Inference.Node.Tests.Weights.Store;
using Formation.Inference.Node.Weights.Fetching;
using Formation.Inference.Node.Weights.Store;
using Formation.Inference.Testing.Files;
using Microsoft.Extensions.Time.Testing;

namespace Formation.Inference.Node.Tests.Weights.Fetching;

/// <summary>Files that an operator has put on the node are used where they are the model, and nothing else is.</summary>
public sealed class LocalCopyTests : IAsyncLifetime
{
    // Far enough ahead that the files of the test have rested.
    private readonly FakeTimeProvider _clock = new(TimeProvider.System.GetUtcNow() + TimeSpan.FromHours(1));
    private readonly TemporaryDirectory _folder = new();
    private readonly List<string> _log = [];
    private TinyWeights _weights = null!;
    private ModelFiles _served = null!;
    private ScriptedSource _source = null!;

    public async ValueTask InitializeAsync()
    {
        _weights = await TinyWeights.BuildAsync();
        _served = _weights.Serve();
        _source = new ScriptedSource("gateway", _served);
    }

    public ValueTask DisposeAsync()
    {
        _served.Dispose();
        _weights.Dispose();
        _folder.Dispose();
        return ValueTask.CompletedTask;
    }

    [Fact]
    public async Task A_file_that_is_the_model_is_used_as_it_is_under_whatever_name()
    {
        var copy = _weights.Copy("my favourite.gguf");
        using var fetched = await EnsureAsync(copy);
        Assert.True(fetched.IsLocal);
        Assert.Equal(copy, fetched.Path);
        Assert.Empty(_source.Asked);
        Assert.Equal(_weights.BytesOf(TinyWeights.Middle), fetched.BytesNeeded);
        Assert.False(File.Exists(Path.Combine(_folder.Path, _weights.Manifest.Digest, "model.gguf")));
    }

    [Fact]
    public async Task Only_the_chunks_that_are_needed_are_read_and_a_restart_reads_none()
    {
        var copy = _weights.Copy("copy.gguf");
        var first = await CheckedBytesAsync(copy);
        Assert.Equal(_weights.BytesOf(TinyWeights.Middle), first);
        Assert.Equal(0, await CheckedBytesAsync(copy));

        // Touched, it is read again.
        File.SetLastWriteTimeUtc(copy, File.GetLastWriteTimeUtc(copy) - TimeSpan.FromDays(1));
        Assert.Equal(first, await CheckedBytesAsync(copy));
    }

    [Fact]
    public async Task A_flipped_bit_in_what_is_needed_is_found_and_said_and_the_weights_are_fetched()
    {
        var copy = _weights.Copy("copy.gguf");
        WeightStoreTests.FlipBit(copy, Offset("blk.1.attn_q.weight"));
        using var fetched = await EnsureAsync(copy);
        Assert.False(fetched.IsLocal);
        Assert.Equal(fetched.BytesNeeded, fetched.Counters.ChunkBytesReceived);
        Assert.Contains(_log, line => line.Contains("copy.gguf is not used", StringComparison.Ordinal));
    }

    [Fact]
    public async Task A_flipped_bit_in_what_others_need_does_no_harm_here_and_is_not_handed_on()
    {
        var copy = _weights.Copy("copy.gguf");
        var offset = Offset("blk.3.ffn_down.weight") + (3 << TinyWeights.ChunkPower);
        WeightStoreTests.FlipBit(copy, offset);
        var fetcher = Fetcher();
        using var fetched = await fetcher.EnsureAsync(Request(copy));
        Assert.True(fetched.IsLocal);
        var served = fetcher.Find(_weights.Manifest.Digest)!;
        var bad = _weights.Manifest.ChunksOver(0, offset, 1).First;
        Assert.False(await served.TryReadAsync(bad, new byte[_weights.Manifest.PlaceOf(bad).Length], default));
        Assert.True(await served.TryReadAsync(0, new byte[_weights.Manifest.PlaceOf(0).Length], default));
    }

    [Theory]
    [InlineData("missing")]
    [InlineData("no model")]
    [InlineData("another model")]
    [InlineData("shorter")]
    public async Task Other_files_are_not_used_and_that_is_said(string what)
    {
        var path = _folder.File("file.gguf");
        if (what == "no model")
            File.WriteAllText(path, "no model");
        if (what == "another model")
            Formation.Inference.Testing.Models.TinyModel.Build(path, TinyWeights.Options with { Seed = 2 });
        if (what == "shorter")
            File.WriteAllBytes(path, File.ReadAllBytes(_weights.Path)[..^100]);
        using var fetched = await EnsureAsync(path);
        Assert.False(fetched.IsLocal);
        Assert.Contains(_log, line => line.Contains("file.gguf is not used", StringComparison.Ordinal));
    }

    [Fact]
    public async Task The_parts_of_a_split_model_are_found_beside_each_other()
    {
        using var split = await TinyWeights.BuildAsync(tensorsPerPart: 9);
        using var fetched = await Fetcher().EnsureAsync(
            new WeightRequest(split.Manifest.Digest, TinyWeights.Middle) { Sources = [new ScriptedSource("gateway", split.Serve())], LocalPaths = [split.Paths[1]] });
        Assert.True(fetched.IsLocal);
        Assert.Equal(split.Paths[0], fetched.Path);
    }

    private long Offset(string tensor)
    {
        using var file = Formation.Inference.Engine.Gguf.GgufFile.Open(_weights.Path);
        return file.RequireTensor(tensor).Offset;
    }

    private async Task<long> CheckedBytesAsync(string path)
    {
        var heard = new List<FetchProgress>();
        using var fetched = await Fetcher().EnsureAsync(Request(path), new Heard<FetchProgress>(heard));
        Assert.True(fetched.IsLocal);
        return heard.Where(step => step.Phase == FetchPhase.Checking).Select(step => step.BytesDone).DefaultIfEmpty().Max();
    }

    private WeightRequest Request(string path) => new(_weights.Manifest.Digest, TinyWeights.Middle) { Sources = [_source], LocalPaths = [path] };

    private WeightFetcher Fetcher() => new(new WeightStore(_folder.Path, _clock), new FetchOptions(), _clock, line =>
    {
        lock (_log)
            _log.Add(line);
    });

    private Task<HeldWeights> EnsureAsync(string path) => Fetcher().EnsureAsync(Request(path));
}
