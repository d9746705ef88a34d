using Formation.Inference.Engine.Models;
using Formation.Inference.Node.Tests.Fakes;
using Formation.Inference.Node.Weights.Fetching;
using Formation.Inference.Node.Weights.Store;
using Formation.Inference.Testing.Files;
using Microsoft.Extensions.Time.Testing;

namespace Formation.Inference.Node.Tests.Weights.Store;

public sealed class WeightStoreTests : IAsyncLifetime
{
    private readonly FakeTimeProvider _clock = new(TimeProvider.System.GetUtcNow());
    private readonly TemporaryDirectory _folder = new();
    private TinyWeights _one = null!;
    private TinyWeights _other = null!;

    public async ValueTask InitializeAsync()
    {
        _one = await TinyWeights.BuildAsync();
        _other = await TinyWeights.BuildAsync(tensorsPerPart: 9);
    }

    public ValueTask DisposeAsync()
    {
        _one.Dispose();
        _other.Dispose();
        _folder.Dispose();
        return ValueTask.CompletedTask;
    }

    [Fact]
    public async Task Folders_and_files_are_the_owners_alone()
    {
        (await FetchAsync(Store(), _one)).Dispose();
        Assert.All(Directory.EnumerateDirectories(_folder.Path, "*", SearchOption.AllDirectories), path => Assert.Equal(
            UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute, File.GetUnixFileMode(path)));
        Assert.All(Directory.EnumerateFiles(_folder.Path, "*", SearchOption.AllDirectories), path => Assert.Equal(
            UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(path)));
    }

    [Fact]
    public async Task Chunks_that_were_not_fetched_take_no_room()
    {
        using var fetched = await FetchAsync(Store(), _one, TinyWeights.Middle);
        Assert.Equal(_one.Manifest.TotalBytes, new FileInfo(fetched.Path).Length);
        var status = Assert.Single(Store().List());
        Assert.True(status.IsInUse);
        Assert.Equal(_one.Manifest.Digest, status.Digest);
        Assert.InRange(status.BytesOnDisk, fetched.BytesNeeded, fetched.BytesNeeded + (64 << 10));
        Assert.True(status.BytesOnDisk < _one.Manifest.TotalBytes * 3 / 4);
    }

    [Fact]
    public async Task Above_the_limit_the_model_that_was_used_longest_ago_goes()
    {
        var limit = _one.Manifest.TotalBytes + (_other.Manifest.TotalBytes / 2);
        (await FetchAsync(Store(limit), _one)).Dispose();
        _clock.Advance(TimeSpan.FromMinutes(1));
        (await FetchAsync(Store(limit), _other)).Dispose();
        Assert.Equal([_other.Manifest.Digest], Store().List().Select(model => model.Digest));
        Assert.Null(Store().Find(_one.Manifest.Digest));
    }

    [Fact]
    public async Task A_model_in_use_is_not_removed_and_the_one_that_finds_no_room_is_told()
    {
        var limit = _one.Manifest.TotalBytes + (_other.Manifest.TotalBytes / 2);
        using (await FetchAsync(Store(limit), _one))
        {
            var error = await Assert.ThrowsAsync<WeightStoreFullException>(() => FetchAsync(Store(limit), _other));
            Assert.Contains("limit", error.Message);
            Assert.False(await Store().TryRemoveAsync(_one.Manifest.Digest, default));
        }
        Assert.True(await Store().TryRemoveAsync(_one.Manifest.Digest, default));
        Assert.False(await Store().TryRemoveAsync(_one.Manifest.Digest, default));
        (await FetchAsync(Store(limit), _other)).Dispose();
    }

    [Fact]
    public async Task Remains_of_a_removal_that_was_cut_are_removed()
    {
        var remains = Directory.CreateDirectory(_folder.File("removing-0"));
        File.WriteAllText(Path.Combine(remains.FullName, "model.gguf"), "");
        (await FetchAsync(Store(), _one)).Dispose();
        remains.Refresh();
        Assert.False(remains.Exists);
    }

    [Theory]
    [InlineData("../outside")]
    [InlineData("lock")]
    [InlineData("")]
    public async Task What_is_no_digest_names_no_folder(string digest)
    {
        Assert.Null(Store().Find(digest));
        Assert.False(await Store().TryRemoveAsync(digest, default));
        await Assert.ThrowsAsync<ArgumentException>(() => Store().LeaseAsync(digest, default));
    }

    [Fact]
    public async Task What_is_stored_can_be_handed_on_and_what_is_not_can_not()
    {
        using var fetched = await FetchAsync(Store(), _one, TinyWeights.Middle);
        var served = Store().Find(_one.Manifest.Digest)!;
        var held = served.Held();
        Assert.Equal(fetched.BytesNeeded, held.Chunks.Sum(chunk => (long)_one.Manifest.PlaceOf(chunk).Length));
        for (var chunk = 0; chunk < _one.Manifest.ChunkCount; chunk++)
        {
            var bytes = new byte[_one.Manifest.PlaceOf(chunk).Length];
            Assert.Equal(held.Contains(chunk), await served.TryReadAsync(chunk, bytes, default));
            if (held.Contains(chunk))
                Assert.Equal(_one.Chunk(chunk), bytes);
        }
    }

    [Fact]
    public async Task A_chunk_that_went_bad_on_disk_is_not_handed_on_and_fetched_again()
    {
        int bad;
        using (var fetched = await FetchAsync(Store(), _one))
        {
            bad = fetched.Manifest.ChunkCount / 2;
            FlipBit(fetched.Path, fetched.Manifest.PlaceOf(bad).Offset + 17);
        }
        var served = Store().Find(_one.Manifest.Digest)!;
        Assert.False(await served.TryReadAsync(bad, new byte[_one.Manifest.ChunkBytes], default));
        using var again = await FetchAsync(Store(), _one);
        Assert.Equal(_one.Manifest.PlaceOf(bad).Length, again.Counters.ChunkBytesReceived);
        Assert.Equal(File.ReadAllBytes(_one.Path), File.ReadAllBytes(again.Path));
    }

    [Fact]
    public async Task A_torn_record_costs_a_fetch_and_never_a_wrong_byte()
    {
        (await FetchAsync(Store(), _one)).Dispose();
        var record = Path.Combine(_folder.Path, _one.Manifest.Digest, "verified");
        var bytes = File.ReadAllBytes(record);
        bytes[11] ^= 1; // In the entry of chunk 1.
        File.WriteAllBytes(record, bytes[..^3]); // Across the entry of the last chunk.
        using var again = await FetchAsync(Store(), _one);
        var last = _one.Manifest.ChunkCount - 1;
        Assert.Equal(_one.Manifest.PlaceOf(1).Length + _one.Manifest.PlaceOf(last).Length, again.Counters.ChunkBytesReceived);
        Assert.Equal(File.ReadAllBytes(_one.Path), File.ReadAllBytes(again.Path));
    }

    [Fact]
    public async Task A_record_of_a_file_that_is_gone_is_not_believed()
    {
        using (var fetched = await FetchAsync(Store(), _one))
            File.Delete(fetched.Path);
        using var again = await FetchAsync(Store(), _one);
        Assert.Equal(_one.Manifest.TotalBytes, again.Counters.ChunkBytesReceived);
        Assert.Equal(File.ReadAllBytes(_one.Path), File.ReadAllBytes(again.Path));
    }

    [Fact]
    public async Task A_damaged_manifest_is_fetched_again()
    {
        (await FetchAsync(Store(), _one)).Dispose();
        File.WriteAllText(Path.Combine(_folder.Path, _one.Manifest.Digest, "manifest"), "damaged");
        using var again = await FetchAsync(Store(), _one);
        Assert.Equal(0, again.Counters.ChunkBytesReceived);
        Assert.Equal(_one.Manifest.Bytes.Length, again.Counters.ManifestBytesReceived);
    }

    private WeightStore Store(long limit = long.MaxValue) => new(_folder.Path, _clock, limit);

    private async Task<HeldWeights> FetchAsync(WeightStore store, TinyWeights weights, ModelPart? part = null)
    {
        using var served = weights.Serve();
        return await new WeightFetcher(store, new FetchOptions(), _clock).EnsureAsync(
            new WeightRequest(weights.Manifest.Digest, config => part ?? ModelPart.Whole(config)) { Sources = [new ScriptedSource("gateway", served)] });
    }

    internal static void FlipBit(string path, long at)
    {
        using var file = File.OpenHandle(path, access: FileAccess.ReadWrite, share: FileShare.ReadWrite);
        var bytes = new byte[1];
        RandomAccess.Read(file, bytes, at);
        RandomAccess.Write(file, [(byte)(bytes[0] ^ 4)], at);
    }
}
