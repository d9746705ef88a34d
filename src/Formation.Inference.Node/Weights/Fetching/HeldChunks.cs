using System.Buffers;
using Formation.Inference.Cluster.Weights;
using Formation.Inference.Node.Weights.Store;

namespace Formation.Inference.Node.Weights.Fetching;

/// <summary>Says which chunks of a model a store lacks.</summary>
sealed class HeldChunks(ModelManifest manifest, StoreFiles files, FetchOptions options, Action<string> log)
{
    private readonly StoredModel _stored = new(manifest, files);
    private readonly ChunkSet _checked = new(manifest.ChunkCount);

    /// <summary>The chunks that are wanted and not here. Where the options ask for it, those on record are read and hashed first.</summary>
    /// <param name="checkedBytes">Told the bytes that are hashed.</param>
    public async Task<IReadOnlyList<int>> MissingAsync(ChunkSet wanted, Action<long> checkedBytes, CancellationToken cancellationToken)
    {
        var held = _stored.Held();
        if (options.VerifyStored)
            await VerifyAsync(wanted, held, checkedBytes, cancellationToken);
        return [.. wanted.Chunks.Where(chunk => !held.Contains(chunk))];
    }

    private async Task VerifyAsync(ChunkSet wanted, ChunkSet held, Action<long> checkedBytes, CancellationToken cancellationToken)
    {
        var buffer = ArrayPool<byte>.Shared.Rent(manifest.ChunkBytes);
        var done = 0L;
        try
        {
            foreach (var chunk in wanted.Chunks.Where(chunk => held.Contains(chunk) && !_checked.Contains(chunk)))
            {
                var length = manifest.PlaceOf(chunk).Length;
                if (await _stored.TryReadAsync(chunk, buffer.AsMemory(0, length), cancellationToken))
                {
                    _checked.Add(chunk);
                }
                else
                {
                    held.Remove(chunk);
                    log($"Chunk {chunk} on disk is not what its hash says, and is fetched again");
                }
                checkedBytes(done += length);
            }
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(buffer);
        }
    }
}
