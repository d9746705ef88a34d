using System.Collections.Concurrent;
using Formation.Inference.Cluster.Weights;
using Formation.Inference.Engine.Gguf;
using Formation.Inference.Node.Weights.Store;

namespace Formation.Inference.Node.Weights.Fetching;

/// <summary>
/// Brings parts of models onto this machine: from files that are here, from the store, and the rest over the network. Safe to use from any
/// thread; of one model, one fetch at a time runs on a machine, so that no chunk comes twice.
/// </summary>
/// <param name="store">Keeps what was fetched.</param>
/// <param name="options">Limits.</param>
/// <param name="clock">For waits and time limits.</param>
/// <param name="log">Takes lines for people, on any thread.</param>
public sealed class WeightFetcher(WeightStore store, FetchOptions options, TimeProvider clock, Action<string>? log = null)
{
    private readonly ConcurrentDictionary<string, ModelFiles> _local = new(StringComparer.Ordinal);
    private readonly Action<string> _log = log ?? (_ => { });

    /// <summary>All that this fetcher ever brought over the network.</summary>
    public FetchCounters Total { get; } = new();

    /// <summary>What is here of a model, to be handed to others; null where nothing is.</summary>
    public IServedModel? Find(string digest) => _local.GetValueOrDefault(digest) ?? store.Find(digest);

    /// <summary>Makes sure that a part of a model is on this machine.</summary>
    /// <param name="request">Which, and from where.</param>
    /// <param name="progress">Told how far it is, on any thread; or null.</param>
    /// <param name="cancellationToken">Ends it; what came is kept.</param>
    /// <returns>Where it lies. It stays there until this is disposed.</returns>
    /// <exception cref="WeightFetchException">It can't be had now: no source has it, or the model is none that this engine computes.</exception>
    /// <exception cref="WeightStoreFullException">There is no room for it.</exception>
    /// <exception cref="IOException">The disk fails.</exception>
    public async Task<HeldWeights> EnsureAsync(
        WeightRequest request, IProgress<FetchProgress>? progress = null, CancellationToken cancellationToken = default)
    {
        var lease = await store.LeaseAsync(request.Digest, cancellationToken);
        try
        {
            var counters = new FetchCounters();
            var manifest = await ManifestAsync(lease, request, counters, cancellationToken);
            return await FromFileAsync(lease, manifest, request, counters, progress, cancellationToken)
                ?? await FromSourcesAsync(lease, manifest, request, counters, progress, cancellationToken);
        }
        catch
        {
            lease.Dispose();
            throw;
        }
    }

    private async Task<ModelManifest> ManifestAsync(
        WeightLease lease, WeightRequest request, FetchCounters counters, CancellationToken cancellationToken)
    {
        if (lease.Files.ReadManifest(request.Digest) is { } known)
            return known;
        var manifest = await new ManifestDownload(options, [counters, Total], clock, _log).RunAsync(request.Digest, request.Sources, cancellationToken);
        lease.Files.WriteManifest(manifest);
        return manifest;
    }

    private async Task<HeldWeights?> FromFileAsync(
        WeightLease lease, ModelManifest manifest, WeightRequest request, FetchCounters counters, IProgress<FetchProgress>? progress, CancellationToken cancellationToken)
    {
        var copy = new LocalCopy(manifest, lease.Files, clock, _log);
        foreach (var path in request.LocalPaths)
        {
            var found = await copy.TryOpenAsync(
                path, request.Part, (done, total) => progress?.Report(new(FetchPhase.Checking, done, total)), cancellationToken);
            if (found is not var (files, needed))
                continue;
            _local[request.Digest] = files;
            _log($"{path} is used as it is");
            progress?.Report(new(FetchPhase.Done, needed, needed));
            return new HeldWeights(manifest, files.Paths[0], isLocal: true, needed, counters, () =>
            {
                _local.TryRemove(KeyValuePair.Create(request.Digest, files));
                files.Dispose();
                lease.Dispose();
            });
        }
        return null;
    }

    private async Task<HeldWeights> FromSourcesAsync(
        WeightLease lease, ModelManifest manifest, WeightRequest request, FetchCounters counters, IProgress<FetchProgress>? progress, CancellationToken cancellationToken)
    {
        using var turn = await TurnAsync(lease, progress, cancellationToken);
        var path = lease.Files.Data(0, manifest.Files.Count);
        var here = new HeldChunks(manifest, lease.Files, options, _log);
        long needed;
        using (var writer = new ChunkWriter(manifest, lease.Files, options.CommitBytes))
        {
            var download = new ChunkDownload(manifest, request.Sources, writer, options, [counters, Total], clock, _log);
            await BringAsync(PartChunks.OfHeaders(manifest));
            needed = await BringAsync(await Task.Run(() => PartOf(path, manifest, request), cancellationToken));

            async Task<long> BringAsync(ChunkSet wanted)
            {
                var total = PartChunks.BytesOf(manifest, wanted.Chunks);
                var missing = await here.MissingAsync(wanted, done => progress?.Report(new(FetchPhase.Checking, done, total)), cancellationToken);
                if (missing.Count == 0)
                    return total;
                var bytes = PartChunks.BytesOf(manifest, missing);
                await store.MakeRoomAsync(bytes, cancellationToken);
                var done = total - bytes;
                progress?.Report(new(FetchPhase.Fetching, done, total));
                await download.RunAsync(
                    missing, length => progress?.Report(new(FetchPhase.Fetching, Interlocked.Add(ref done, length), total)), cancellationToken);
                return total;
            }
        }
        progress?.Report(new(FetchPhase.Done, needed, needed));
        return new HeldWeights(manifest, path, isLocal: false, needed, counters, lease.Dispose);
    }

    private async Task<FileLock> TurnAsync(WeightLease lease, IProgress<FetchProgress>? progress, CancellationToken cancellationToken)
    {
        if (FileLock.TryTake(lease.Files.Fetching, isExclusive: true) is { } free)
            return free;
        progress?.Report(new(FetchPhase.Waiting, 0, 0));
        return await FileLock.TakeAsync(lease.Files.Fetching, isExclusive: true, clock, cancellationToken);
    }

    private static ChunkSet PartOf(string path, ModelManifest manifest, WeightRequest request)
    {
        try
        {
            using var file = GgufFile.Open(path);
            return PartChunks.Of(manifest, file, request.Part);
        }
        catch (Exception error) when (error is GgufException or InvalidDataException)
        {
            throw new WeightFetchException($"The model {request.Digest} can't be used: {error.Message}", error);
        }
    }
}
