using System.Buffers.Binary;
using System.Security.Cryptography;
using Formation.Inference.Cluster.Weights;

namespace Formation.Inference.Cluster.Tests.Weights;

public sealed class ModelManifestTests
{
    private const int Power = 12;

    private static readonly byte[] First = [.. Enumerable.Range(0, 10_000).Select(i => (byte)(((i * 7) + 3) % 251))];
    private static readonly byte[] Second = [.. Enumerable.Range(0, 4096).Select(i => (byte)(((i * 11) + 5) % 241))];

    // From a few lines of Python: hashlib.sha256 over struct.pack of the fields in the order of docs/formats/model-manifest.md.
    private const string GoldenDigest = "82f5be0736fd6daa3c3af13f456ecb8120462fe6269010c89a137b6b7f8b3a61";
    private const string GoldenStart = "464d414e01000c00020000001027000000000000640000000000000000100000000000000010000000000000";

    [Fact]
    public void The_bytes_and_the_digest_are_those_of_the_documented_form()
    {
        var manifest = Manifest();
        Assert.Equal(GoldenStart, Convert.ToHexStringLower(manifest.Bytes.Span[..44]));
        Assert.Equal(GoldenDigest, manifest.Digest);
        Assert.Equal(44 + (4 * 32), manifest.Bytes.Length);
    }

    [Fact]
    public void What_was_written_is_read_again()
    {
        var read = ModelManifest.Parse(Manifest().Bytes.Span);
        Assert.Equal(GoldenDigest, read.Digest);
        Assert.Equal(4096, read.ChunkBytes);
        Assert.Equal([new ManifestFile(10_000, 100), new ManifestFile(4096, 4096)], read.Files);
        Assert.Equal(4, read.ChunkCount);
        Assert.Equal(14_096, read.TotalBytes);
    }

    [Fact]
    public void Each_chunk_has_a_place_and_its_own_hash()
    {
        var manifest = Manifest();
        Assert.Equal(
            [new ChunkPlace(0, 0, 4096), new ChunkPlace(0, 4096, 4096), new ChunkPlace(0, 8192, 1808), new ChunkPlace(1, 0, 4096)],
            Enumerable.Range(0, 4).Select(manifest.PlaceOf));
        Assert.True(manifest.Matches(2, First.AsSpan(8192)));
        Assert.True(manifest.Matches(3, Second));
        Assert.False(manifest.Matches(1, First.AsSpan(0, 4096)));
        Assert.False(manifest.Matches(2, First.AsSpan(8192, 1807)));
    }

    [Theory]
    [InlineData(0, 0, 1, 0, 1)]
    [InlineData(0, 4095, 1, 0, 1)]
    [InlineData(0, 4095, 2, 0, 2)]
    [InlineData(0, 4096, 4096, 1, 2)]
    [InlineData(0, 0, 10_000, 0, 3)]
    [InlineData(1, 4095, 1, 3, 4)]
    public void A_range_is_in_the_chunks_that_it_touches(int file, long offset, long length, int first, int end) =>
        Assert.Equal((first, end), Manifest().ChunksOver(file, offset, length));

    [Theory]
    [InlineData(0, 0)]
    [InlineData(10_000, 1)]
    [InlineData(0, 10_001)]
    [InlineData(long.MaxValue, 1)]
    [InlineData(1, long.MaxValue)]
    [InlineData(-1, 1)]
    public void A_range_outside_the_file_is_none(long offset, long length) =>
        Assert.Throws<ArgumentOutOfRangeException>(() => Manifest().ChunksOver(0, offset, length));

    [Fact]
    public void Every_cut_is_refused()
    {
        var bytes = Manifest().Bytes.ToArray();
        for (var length = 0; length < bytes.Length; length++)
            Assert.Throws<InvalidDataException>(() => ModelManifest.Parse(bytes.AsSpan(0, length)));
        Assert.Throws<InvalidDataException>(() => ModelManifest.Parse([.. bytes, 0]));
    }

    [Theory]
    [InlineData(0, 1)] // Magic.
    [InlineData(4, 2)] // Version.
    [InlineData(6, 11)] // Chunk size.
    [InlineData(6, 25)]
    [InlineData(6, 255)]
    [InlineData(7, 1)] // Reserved.
    public void A_preamble_that_is_not_this_versions_is_refused(int at, byte value)
    {
        var bytes = Manifest().Bytes.ToArray();
        bytes[at] = value;
        Assert.Throws<InvalidDataException>(() => ModelManifest.Parse(bytes));
    }

    [Theory]
    [InlineData(0)]
    [InlineData(-1)]
    [InlineData(ManifestLimits.Files + 1)]
    [InlineData(int.MaxValue)]
    [InlineData(int.MinValue)]
    public void A_count_of_files_that_cannot_be_is_refused(int count)
    {
        var bytes = Manifest().Bytes.ToArray();
        BinaryPrimitives.WriteInt32LittleEndian(bytes.AsSpan(8), count);
        Assert.Throws<InvalidDataException>(() => ModelManifest.Parse(bytes));
    }

    [Theory]
    [InlineData(0L, 100L)]
    [InlineData(-1L, 100L)]
    [InlineData(long.MaxValue, 100L)]
    [InlineData(long.MinValue, 100L)]
    [InlineData(ManifestLimits.FileBytes, 100L)]
    [InlineData(ManifestLimits.FileBytes + 1, 100L)]
    [InlineData(12_289L, 100L)] // One chunk more than hashes are there for.
    [InlineData(10_000L, 0L)]
    [InlineData(10_000L, -1L)]
    [InlineData(10_000L, 10_001L)]
    [InlineData(10_000L, long.MaxValue)]
    public void Lengths_that_cannot_be_are_refused(long length, long header)
    {
        var bytes = Manifest().Bytes.ToArray();
        BinaryPrimitives.WriteInt64LittleEndian(bytes.AsSpan(12), length);
        BinaryPrimitives.WriteInt64LittleEndian(bytes.AsSpan(20), header);
        Assert.Throws<InvalidDataException>(() => ModelManifest.Parse(bytes));
    }

    [Fact]
    public void Changed_bytes_are_refused_or_are_another_model()
    {
        var random = new Random(5);
        var good = Manifest().Bytes.ToArray();
        for (var i = 0; i < 20_000; i++)
        {
            var bytes = good.ToArray();
            for (var changes = random.Next(1, 4); changes > 0; changes--)
                bytes[random.Next(random.Next(2) == 0 ? 44 : bytes.Length)] ^= (byte)(1 << random.Next(8));
            try
            {
                var read = ModelManifest.Parse(bytes);
                Assert.Equal(bytes.AsSpan().SequenceEqual(good), read.Digest == GoldenDigest);
                Assert.Equal(read.ChunkCount, Enumerable.Range(0, read.ChunkCount).Select(read.PlaceOf).Distinct().Count());
            }
            catch (InvalidDataException)
            {
            }
        }
    }

    [Fact]
    public void More_chunks_than_a_manifest_may_have_are_refused_before_there_are_hashes_for_them() =>
        Assert.Throws<InvalidDataException>(
            () => ModelManifest.CountChunks([new ManifestFile(((long)ManifestLimits.Chunks << Power) + 1, 100)], Power));

    [Fact]
    public void Hashes_for_other_chunks_than_the_files_have_are_refused() =>
        Assert.Throws<InvalidDataException>(() => ModelManifest.Create([new ManifestFile(10_000, 100)], Power, new byte[4 * 32]));

    [Theory]
    [InlineData(GoldenDigest, true)]
    [InlineData("82F5BE0736FD6DAA3C3AF13F456ECB8120462FE6269010C89A137B6B7F8B3A61", false)]
    [InlineData("82f5be0736fd6daa3c3af13f456ecb8120462fe6269010c89a137b6b7f8b3a6", false)]
    [InlineData("../../etc/passwd/../../../../../../../../../../../../../etc/shadow", false)]
    [InlineData("", false)]
    [InlineData(null, false)]
    public void One_model_has_one_digest(string? text, bool isDigest) => Assert.Equal(isDigest, ModelManifest.IsDigest(text));

    private static ModelManifest Manifest() => ModelManifest.Create(
        [new ManifestFile(First.Length, 100), new ManifestFile(Second.Length, Second.Length)],
        Power,
        [.. First.Chunk(4096).Concat(Second.Chunk(4096)).SelectMany(SHA256.HashData)]);
}
