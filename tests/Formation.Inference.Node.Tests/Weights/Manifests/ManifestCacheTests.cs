using Formation.Inference.Node.Tests.Fakes;
using Formation.Inference.Node.Weights.Manifests;
using Formation.Inference.Testing.Files;
using Microsoft.Extensions.Time.Testing;

namespace Formation.Inference.Node.Tests.Weights.Manifests;

public sealed class ManifestCacheTests : IAsyncLifetime
{
    // Far enough ahead that the files of the test have rested.
    private readonly FakeTimeProvider _clock = new(TimeProvider.System.GetUtcNow() + TimeSpan.FromHours(1));
    private readonly TemporaryDirectory _folder = new();
    private TinyWeights _weights = null!;

    public async ValueTask InitializeAsync() => _weights = await TinyWeights.BuildAsync();

    public ValueTask DisposeAsync()
    {
        _weights.Dispose();
        _folder.Dispose();
        return ValueTask.CompletedTask;
    }

    [Fact]
    public async Task A_model_is_hashed_once_and_not_at_each_start()
    {
        Assert.True(await HashesAsync());
        Assert.False(await HashesAsync());
    }

    [Fact]
    public async Task A_model_that_was_written_to_is_hashed_again_even_where_its_length_and_time_were_put_back()
    {
        await HashesAsync();
        var time = File.GetLastWriteTimeUtc(_weights.Path);
        Flip(_weights.Path);
        File.SetLastWriteTimeUtc(_weights.Path, time);
        Assert.True(await HashesAsync());
        Assert.NotEqual(_weights.Manifest.Digest, (await Cache().GetAsync(_weights.Path)).Manifest.Digest);
    }

    [Fact]
    public async Task Another_file_in_its_place_is_hashed()
    {
        await HashesAsync();
        File.Move(_weights.Copy("copy"), _weights.Path, overwrite: true);
        Assert.True(await HashesAsync());
    }

    [Fact]
    public async Task What_was_written_just_now_is_not_remembered()
    {
        _clock.AdjustTime(TimeProvider.System.GetUtcNow());
        Assert.True(await HashesAsync());
        Assert.True(await HashesAsync());
    }

    [Fact]
    public async Task Another_chunk_size_is_another_manifest()
    {
        await HashesAsync();
        var other = await new ManifestCache(_folder.File("manifests"), _clock, TinyWeights.ChunkPower + 1).GetAsync(_weights.Path);
        Assert.Equal(2 << TinyWeights.ChunkPower, other.Manifest.ChunkBytes);
    }

    [Theory]
    [InlineData("")]
    [InlineData("null")]
    [InlineData("{}")]
    [InlineData("""{"digest":"","files":[],"manifest":"AAAA"}""")]
    public async Task A_damaged_memory_costs_hashing_and_nothing_else(string text)
    {
        await HashesAsync();
        File.WriteAllText(Directory.EnumerateFiles(_folder.File("manifests")).Single(), text);
        Assert.True(await HashesAsync());
        Assert.False(await HashesAsync());
    }

    [Fact]
    public async Task A_manifest_that_was_changed_on_disk_is_not_believed()
    {
        await HashesAsync();
        var file = Directory.EnumerateFiles(_folder.File("manifests")).Single();
        var text = File.ReadAllText(file);
        var at = text.IndexOf("\"manifest\":\"", StringComparison.Ordinal) + 200;
        File.WriteAllText(file, text[..at] + (text[at] == 'A' ? 'B' : 'A') + text[(at + 1)..]);
        Assert.True(await HashesAsync());
    }

    private ManifestCache Cache() => new(_folder.File("manifests"), _clock, TinyWeights.ChunkPower);

    private async Task<bool> HashesAsync()
    {
        var progress = new List<double>();
        var model = await Cache().GetAsync(_weights.Path, new Heard<double>(progress));
        Assert.Equal(_weights.Paths, model.Paths);
        return progress.Count > 0;
    }

    private static void Flip(string path)
    {
        using var file = File.OpenHandle(path, access: FileAccess.ReadWrite);
        var last = new byte[1];
        var at = RandomAccess.GetLength(file) - 1;
        RandomAccess.Read(file, last, at);
        RandomAccess.Write(file, [(byte)(last[0] ^ 1)], at);
    }
}
