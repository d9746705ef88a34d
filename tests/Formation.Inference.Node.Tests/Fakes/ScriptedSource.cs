using System.Collections.Concurrent;
using Formation.Inference.Cluster.Weights;
using Formation.Inference.Node.Weights.Fetching;

namespace Formation.Inference.Node.Tests.Fakes;

/// <summary>A source in this process that serves a model, and does to it what a test wants.</summary>
internal sealed class ScriptedSource(string name, IServedModel model) : IChunkSource
{
    private int _underWay;
    private int _mostUnderWay;

    public string Name => name;

    /// <summary>Chunks that were asked for, in order.</summary>
    public ConcurrentQueue<int> Asked { get; } = new();

    /// <summary>Chunks that were asked for at once, at most.</summary>
    public int MostUnderWay => _mostUnderWay;

    /// <summary>Runs before a chunk is given: may throw, or wait.</summary>
    public Func<int, CancellationToken, Task> Before { get; set; } = (_, _) => Task.CompletedTask;

    /// <summary>Changes a chunk's bytes.</summary>
    public Action<int, Memory<byte>> After { get; set; } = (_, _) => { };

    /// <summary>What it says it has; null for the truth.</summary>
    public ChunkSet? Claims { get; set; }

    /// <summary>Runs before it says what it has.</summary>
    public Func<CancellationToken, Task> BeforeClaims { get; set; } = _ => Task.CompletedTask;

    public Func<byte[], byte[]> Manifest { get; set; } = bytes => bytes;

    /// <summary>Runs before it gives the manifest.</summary>
    public Func<CancellationToken, Task> BeforeManifest { get; set; } = _ => Task.CompletedTask;

    public async Task<byte[]> ReadManifestAsync(string digest, CancellationToken cancellationToken)
    {
        await BeforeManifest(cancellationToken);
        return digest == model.Manifest.Digest
            ? Manifest(model.Manifest.Bytes.ToArray())
            : throw new ChunkSourceException(ChunkSourceFault.NotHeld, "it does not know the model");
    }

    public async Task<ChunkSet> ReadHoldingsAsync(ModelManifest manifest, CancellationToken cancellationToken)
    {
        await BeforeClaims(cancellationToken);
        return ChunkSet.Parse((Claims ?? model.Held()).Bytes.Span, manifest.ChunkCount);
    }

    public async Task ReadChunkAsync(ModelManifest manifest, int chunk, Memory<byte> destination, CancellationToken cancellationToken)
    {
        Asked.Enqueue(chunk);
        var now = Interlocked.Increment(ref _underWay);
        for (int most; now > (most = _mostUnderWay);)
            Interlocked.CompareExchange(ref _mostUnderWay, now, most);
        try
        {
            await Task.Yield();
            await Before(chunk, cancellationToken);
            if (!await model.TryReadAsync(chunk, destination, cancellationToken))
                throw new ChunkSourceException(ChunkSourceFault.NotHeld, "it has not got the chunk");
            After(chunk, destination);
        }
        finally
        {
            Interlocked.Decrement(ref _underWay);
        }
    }
}
