using Formation.Inference.Cluster.Weights;

namespace Formation.Inference.Node.Weights.Store;

/// <summary>
/// The chunks of a model that lie in a store. It holds no file open: another process may fetch more chunks or remove the model at any time, and
/// each question is answered from what is on the disk then.
/// </summary>
sealed class StoredModel(ModelManifest manifest, StoreFiles files) : IServedModel
{
    private readonly VerifiedChunks _record = new(files.Record, manifest);

    public ModelManifest Manifest => manifest;

    public ChunkSet Held()
    {
        try
        {
            return _record.Read();
        }
        catch (Exception gone) when (gone is DirectoryNotFoundException or FileNotFoundException)
        {
            return new ChunkSet(manifest.ChunkCount);
        }
    }

    public async ValueTask<bool> TryReadAsync(int chunk, Memory<byte> destination, CancellationToken cancellationToken)
    {
        try
        {
            if (!_record.Contains(chunk))
                return false;
            var place = manifest.PlaceOf(chunk);
            using var file = File.OpenHandle(
                files.Data(place.File, manifest.Files.Count), share: FileShare.ReadWrite | FileShare.Delete, options: FileOptions.RandomAccess);
            if (await ChunkReading.TryFillAsync(file, place, destination, cancellationToken) && manifest.Matches(chunk, destination.Span[..place.Length]))
                return true;
            _record.Remove([chunk]);
            return false;
        }
        catch (Exception gone) when (gone is DirectoryNotFoundException or FileNotFoundException)
        {
            return false;
        }
    }
}
