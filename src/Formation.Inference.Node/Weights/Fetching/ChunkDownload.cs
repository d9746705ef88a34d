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
    private readonly SourceInUse[] _sources = [.. sources.Select(source => new SourceInUse(source))];

    /// <summary>Brings all of them, or fails with what is wrong with each source.</summary>
    /// <param name="chunks">What is missing, at least one.</param>
    /// <param name="fetched">Told the bytes of each chunk that is here, on any thread.</param>
    /// <exception cref="WeightFetchException">Chunks are to be had from no source.</exception>
    /// <exception cref="IOException">The disk is full, or fails.</exception>
    public async Task RunAsync(IReadOnlyList<int> chunks, Action<int> fetched, CancellationToken cancellationToken)
    {
        var inUse = _sources.Where(source => source.LeftOut is null).ToArray();
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        using var run = new Run(new ChunkQueue(chunks, inUse, inUse.Length * options.ChunksPerSource), new SemaphoreSlim(options.MaxChunksUnderWay), fetched, stop.Token);
        try
        {
            await Task.WhenAll(inUse.Select(source => UseAsync(source, run, stop)));
        }
        finally
        {
            // What came stays, however this ends.
            writer.Commit();
        }
        if (run.Queue.Left > 0)
            throw new WeightFetchException(WhyNot(run.Queue.Left));
    }

    // Whoever fails holds a chunk that others would wait for.
    private static async Task StopAllAtFaultAsync(Task work, CancellationTokenSource stop)
    {
        try
        {
            await work;
        }
        catch
        {
            await stop.CancelAsync();
            throw;
        }
    }

    private string WhyNot(int left)
    {
        var reasons = string.Join("; ", _sources.Select(source => $"{source.Source.Name}: {source.LeftOut ?? "it has not got them"}"));
        return $"{left} chunks of {manifest.ChunkBytes} bytes are missing and to be had from none of {sources.Count} sources{(reasons.Length > 0 ? $" ({reasons})" : "")}";
    }

    // Nobody waits for a source that takes long to answer: the others begin without it.
    private async Task UseAsync(SourceInUse source, Run run, CancellationTokenSource stop)
    {
        if (source.Held is null)
            await StopAllAtFaultAsync(AskAsync(source, run), stop);
        await Task.WhenAll(Enumerable.Range(0, options.ChunksPerSource).Select(_ => StopAllAtFaultAsync(ReadAsync(source, run), stop)));
    }

    private async Task AskAsync(SourceInUse source, Run run)
    {
        try
        {
            using var patience = new Patience(options.Patience, clock, run.Asking);
            run.Queue.Answered(source, await patience.WaitAsync(source.Source.ReadHoldingsAsync(manifest, patience.Token)));
        }
        catch (ChunkSourceException error)
        {
            LeaveOut(source, error.Message);
        }
        catch (OperationCanceledException) when (!run.Stop.IsCancellationRequested)
        {
            // The others have brought everything meanwhile.
        }
    }

    private async Task ReadAsync(SourceInUse source, Run run)
    {
        while (await run.Queue.TakeAsync(source, run.Stop) is { } chunk)
        {
            TimeSpan pause;
            await run.Slots.WaitAsync(run.Stop);
            try
            {
                pause = await FetchAsync(source, run, chunk);
            }
            finally
            {
                run.Slots.Release();
            }
            if (pause > TimeSpan.Zero)
                await Task.Delay(pause, clock, run.Stop);
        }
    }

    /// <returns>How long to leave the source alone.</returns>
    private async Task<TimeSpan> FetchAsync(SourceInUse source, Run run, int chunk)
    {
        var length = manifest.PlaceOf(chunk).Length;
        var buffer = ArrayPool<byte>.Shared.Rent(length);
        var isLent = true;
        try
        {
            var bytes = buffer.AsMemory(0, length);
            using (var patience = new Patience(options.Patience, clock, run.Stop))
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
                run.Queue.GiveBack(chunk, source, JudgeWrongChunk);
                return TimeSpan.Zero;
            }
            await writer.WriteAsync(chunk, bytes, run.Stop);
            run.Fetched(length);
            if (run.Queue.Done(chunk, source))
                run.EndAsking();
            return TimeSpan.Zero;
        }
        catch (ChunkSourceException error)
        {
            var pause = TimeSpan.Zero;
            run.Queue.GiveBack(chunk, source, failed => pause = Judge(failed, chunk, error));
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
                source.Held!.Remove(chunk);
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

    /// <summary>One run over a list of chunks.</summary>
    private sealed class Run(ChunkQueue queue, SemaphoreSlim slots, Action<int> fetched, CancellationToken stop) : IDisposable
    {
        private readonly CancellationTokenSource _asking = CancellationTokenSource.CreateLinkedTokenSource(stop);

        public ChunkQueue Queue => queue;

        /// <summary>As many as chunks may be under way.</summary>
        public SemaphoreSlim Slots => slots;

        public Action<int> Fetched => fetched;

        public CancellationToken Stop => stop;

        /// <summary>Ends with the run's last chunk, too: what a source has is of no interest then.</summary>
        public CancellationToken Asking => _asking.Token;

        public void EndAsking() => _asking.Cancel();

        public void Dispose()
        {
            _asking.Dispose();
            slots.Dispose();
        }
    }
}
