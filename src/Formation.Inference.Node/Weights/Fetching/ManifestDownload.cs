using Formation.Inference.Cluster.Weights;

namespace Formation.Inference.Node.Weights.Fetching;

/// <summary>
/// Brings a model's manifest from the first source that gives the right one. The sources are asked one after the other; the next one before the last has answered where
/// that takes long, so that one that is gone holds nobody up, and large manifests seldom come twice.
/// </summary>
sealed class ManifestDownload(FetchOptions options, FetchCounters[] counters, TimeProvider clock, Action<string> log)
{
    /// <exception cref="WeightFetchException">No source gives it, or it is none that this program reads.</exception>
    public async Task<ModelManifest> RunAsync(string digest, IReadOnlyList<IChunkSource> sources, CancellationToken cancellationToken)
    {
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        var reasons = new List<string>();
        var asking = new List<Task<byte[]?>>();
        try
        {
            for (var next = 0; next < sources.Count || asking.Count > 0;)
            {
                if (next < sources.Count)
                    asking.Add(AskAsync(digest, sources[next++], reasons, stop.Token));
                var impatience = next < sources.Count ? Task.Delay(options.NextManifestSource, clock, stop.Token) : Task.Delay(Timeout.Infinite, stop.Token);
                var first = await Task.WhenAny([.. asking, impatience]);
                if (first is not Task<byte[]?> answer)
                {
                    cancellationToken.ThrowIfCancellationRequested();
                    continue;
                }
                asking.Remove(answer);
                if (await answer is { } bytes)
                    return Parse(digest, bytes);
            }
        }
        finally
        {
            await stop.CancelAsync();
        }
        throw new WeightFetchException(
            $"The manifest of the model {digest} is to be had from none of {sources.Count} sources{(reasons.Count > 0 ? $" ({string.Join("; ", reasons)})" : "")}");
    }

    private static ModelManifest Parse(string digest, byte[] bytes)
    {
        try
        {
            return ModelManifest.Parse(bytes);
        }
        catch (InvalidDataException error)
        {
            throw new WeightFetchException($"The manifest of the model {digest} can't be read: {error.Message}", error);
        }
    }

    /// <returns>The right manifest, or null; then there is a reason more.</returns>
    private async Task<byte[]?> AskAsync(string digest, IChunkSource source, List<string> reasons, CancellationToken stop)
    {
        string reason;
        try
        {
            using var patience = new Patience(options.Patience, clock, stop);
            var bytes = await patience.WaitAsync(source.ReadManifestAsync(digest, patience.Token));
            foreach (var counter in counters)
                counter.ManifestCame(source.Name, bytes.Length);
            if (ModelManifest.DigestOf(bytes) == digest)
                return bytes;
            foreach (var counter in counters)
                counter.WasRejected();
            reason = "its manifest is not the one that was asked for";
            log($"The manifest from {source.Name} is not the one that was asked for");
        }
        catch (ChunkSourceException error)
        {
            reason = error.Message;
        }
        lock (reasons)
            reasons.Add($"{source.Name}: {reason}");
        return null;
    }
}
