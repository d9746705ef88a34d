using System.Security.Cryptography;
using Formation.Inference.Engine.Gguf;
using Formation.Inference.Node.Tests.Fakes;
using Formation.Inference.Node.Weights.Manifests;
using Formation.Inference.Testing.Files;

namespace Formation.Inference.Node.Tests.Weights.Manifests;

public sealed class ManifestBuilderTests
{
    [Theory]
    [InlineData(0)]
    [InlineData(7)]
    public async Task Every_byte_of_every_file_is_in_the_hash_of_its_chunk(int tensorsPerPart)
    {
        using var weights = await TinyWeights.BuildAsync(tensorsPerPart);
        var hashes = weights.Paths.SelectMany(path => File.ReadAllBytes(path).Chunk(1 << TinyWeights.ChunkPower)).Select(SHA256.HashData);
        Assert.Equal(hashes, Enumerable.Range(0, weights.Manifest.ChunkCount).Select(chunk => weights.Manifest.HashOf(chunk).ToArray()));
        Assert.Equal(weights.Paths.Select(path => new FileInfo(path).Length), weights.Manifest.Files.Select(file => file.Length));
    }

    [Fact]
    public async Task Headers_end_where_the_first_tensor_begins()
    {
        using var weights = await TinyWeights.BuildAsync(tensorsPerPart: 7);
        using var file = GgufFile.Open(weights.Path);
        Assert.Equal(
            file.Tensors.GroupBy(tensor => tensor.Part).OrderBy(part => part.Key).Select(part => part.Min(tensor => tensor.Offset)),
            weights.Manifest.Files.Select(part => part.HeaderLength));
    }

    [Fact]
    public async Task A_model_is_the_same_wherever_it_lies_and_another_chunk_size_names_it_anew()
    {
        using var weights = await TinyWeights.BuildAsync();
        var copy = await ManifestBuilder.BuildAsync(weights.Copy("another name.bin"), TinyWeights.ChunkPower);
        Assert.Equal(weights.Manifest.Digest, copy.Manifest.Digest);
        var other = await ManifestBuilder.BuildAsync(weights.Path, TinyWeights.ChunkPower + 1);
        Assert.NotEqual(weights.Manifest.Digest, other.Manifest.Digest);
    }

    [Fact]
    public async Task Progress_reaches_the_whole_and_a_cancelled_build_ends()
    {
        using var weights = await TinyWeights.BuildAsync();
        var shares = new List<double>();
        await ManifestBuilder.BuildAsync(weights.Path, TinyWeights.ChunkPower, new Heard<double>(shares));
        Assert.Equal(1, shares.Max());
        Assert.Equal(weights.Manifest.ChunkCount, shares.Count);
        await Assert.ThrowsAnyAsync<OperationCanceledException>(
            () => ManifestBuilder.BuildAsync(weights.Path, TinyWeights.ChunkPower, cancellationToken: new CancellationToken(canceled: true)));
    }

    [Fact]
    public async Task What_is_no_model_has_no_manifest()
    {
        using var folder = new TemporaryDirectory();
        File.WriteAllText(folder.File("a.gguf"), "no model");
        await Assert.ThrowsAsync<GgufException>(() => ManifestBuilder.BuildAsync(folder.File("a.gguf")));
        await Assert.ThrowsAsync<GgufException>(() => ManifestBuilder.BuildAsync(folder.File("missing.gguf")));
    }
}
