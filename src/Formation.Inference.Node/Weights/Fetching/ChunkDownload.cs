using System.Buffers;
using Formation.Inference.Cluster.Weights;
using Formation.Inference.Node.Weights.Store;

namespace Formation.Inference.Node.Weights.Fetching;

/// <summary>Brings chunks from several sources at once into a store, each checked against its hash before it is written.</summary>
/// <param name="sources">Asked once for what they have; one that was left out stays so.</param>
/// <param name="log">Takes lines for people, on any thread.</param>
sealed class ChunkDownload(
    ModelManifest manifest, IReadOnlyList<IChunkSource> sources, ChunkWriter writer, FetchOptions options, FetchCounters[] counters, TimeProvider clock,
    Action<string> log)
{
    private SourceInUse[]? _asked;

    /// <summary>Brings all of them, or fails with what is wrong with each source.</summary>
    /// <param name="chunks">What is missing.</param>
    /// <param name="fetched">Told the bytes of each chunk that is here, on any thread.</param>
    /// <exception cref="WeightFetchException">Chunks are to be had from no source.</exception>
    /// <exception cref="IOException">The disk is full, or fails.</exception>
    public async Task RunAsync(IReadOnlyList<int> chunks, Action<int> fetched, CancellationToken cancellationToken)
    {
        _asked ??= await Task.WhenAll(sources.Select(source => AskAsync(source, cancellationToken)));
        var inUse = _asked.Where(source => source.LeftOut is null).ToArray();
        var readers = inUse.SelectMany(source => Enumerable.Repeat(source, options.ChunksPerSource)).ToArray();
        var queue = new ChunkQueue(chunks, inUse, readers.Length);
        using var slots = new SemaphoreSlim(options.MaxChunksUnderWay);
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        try
        {
            await Task.WhenAll(readers.Select(source => StopAllAtFaultAsync(ReadAsync(source, queue, slots, fetched, stop.Token), stop)));
        }
        finally
        {
            // What came stays, however this ends.
            writer.Commit();
        }
        if (queue.Left > 0)
            throw new WeightFetchException(WhyNot(queue.Left, _asked));
    }

    private static async Task StopAllAtFaultAsync(Task reading, CancellationTokenSource stop)
    {
        try
        {
            await reading;
        }
        catch
        {
            await stop.CancelAsync();
            throw;
        }
    }

    private string WhyNot(int left, IEnumerable<SourceInUse> asked)
    {
        var reasons = string.Join("; ", asked.Select(source => $"{source.Source.Name}: {source.LeftOut ?? "it has not got them"}"));
        return $"{left} chunks of {manifest.ChunkBytes} bytes are missing and to be had from none of {sources.Count} sources{(reasons.Length > 0 ? $" ({reasons})" : "")}";
    }

    private async Task<SourceInUse> AskAsync(IChunkSource source, CancellationToken cancellationToken)
    {
        try
        {
            using var patience = new Patience(options.Patience, clock, cancellationToken);
            return new SourceInUse(source, await patience.WaitAsync(source.ReadHoldingsAsync(manifest, patience.Token)));
        }
        catch (ChunkSourceException error)
        {
            var left = new SourceInUse(source, new ChunkSet(manifest.ChunkCount));
            LeaveOut(left, error.Message);
            return left;
        }
    }

    private async Task ReadAsync(SourceInUse source, ChunkQueue queue, SemaphoreSlim slots, Action<int> fetched, CancellationToken stop)
    {
        while (await queue.TakeAsync(source, stop) is { } chunk)
        {
            TimeSpan pause;
            await slots.WaitAsync(stop);
            try
            {
                pause = await FetchAsync(source, queue, chunk, fetched, stop);
            }
            finally
            {
                slots.Release();
            }
            if (pause > TimeSpan.Zero)
                await Task.Delay(pause, clock, stop);
        }
    }

    /// <returns>How long to leave the source alone.</returns>
    private async Task<TimeSpan> FetchAsync(SourceInUse source, ChunkQueue queue, int chunk, Action<int> fetched, CancellationToken stop)
    {
        var length = manifest.PlaceOf(chunk).Length;
        var buffer = ArrayPool<byte>.Shared.Rent(length);
        var isLent = true;
        try
        {
            var bytes = buffer.AsMemory(0, length);
            using (var patience = new Patience(options.Patience, clock, stop))
            {
                // A source that does not heed the end of its time keeps the buffer: it may still write to it.
                isLent = false;
                await patience.WaitAsync(source.Source.ReadChunkAsync(manifest, chunk, bytes, patience.Token));
                isLent = true;
            }
            foreach (var counter in counters)
                counter.ChunkCame(source.Source.Name, length);
            if (!manifest.Matches(chunk, bytes.Span))
            {
                foreach (var counter in counters)
                    counter.WasRejected();
                queue.GiveBack(chunk, source, JudgeWrongChunk);
                return TimeSpan.Zero;
            }
            await writer.WriteAsync(chunk, bytes, stop);
            fetched(length);
            queue.Done(chunk, source);
            return TimeSpan.Zero;
        }
        catch (ChunkSourceException error)
        {
            var pause = TimeSpan.Zero;
            queue.GiveBack(chunk, source, failed => pause = Judge(failed, chunk, error));
            return pause;
        }
        finally
        {
            if (isLent)
                ArrayPool<byte>.Shared.Return(buffer);
        }
    }

    private TimeSpan Judge(SourceInUse source, int chunk, ChunkSourceException error)
    {
        switch (error.Fault)
        {
            case ChunkSourceFault.NotHeld:
                source.Held.Remove(chunk);
                return TimeSpan.Zero;
            case ChunkSourceFault.Refused:
                LeaveOut(source, error.Message);
                return TimeSpan.Zero;
            default:
                if (++source.Failures >= options.MaxFailures)
                {
                    LeaveOut(source, error.Message);
                    return TimeSpan.Zero;
                }
                return options.FirstPause * (1 << (source.Failures - 1));
        }
    }

    private void JudgeWrongChunk(SourceInUse source)
    {
        source.WrongChunks++;
        if (source.WrongChunks >= options.MaxWrongChunks)
            LeaveOut(source, $"{source.WrongChunks} of its chunks are not what their hashes say");
        else
            log($"A chunk from {source.Source.Name} is not what its hash says, and is fetched again");
    }

    // Several readers may hear of it.
    private void LeaveOut(SourceInUse source, string why)
    {
        if (source.LeftOut is not null)
            return;
        source.LeftOut = why;
        log($"{source.Source.Name} is left out: {why}");
    }
}
