using System.Collections.Concurrent;
using System.Net.Security;
using Formation.Inference.Cluster.Identity;
using Formation.Inference.Cluster.Nodes;
using Formation.Inference.Cluster.Weights;
using Formation.Inference.Node.Agent;
using Formation.Inference.Node.Relays;
using Formation.Inference.Node.Weights.Fetching;

namespace Formation.Inference.Node.Weights.Peers;

/// <summary>Another node as a source. Each question under way has a connection of its own; connections are used again.</summary>
/// <param name="identity">This node's key; outlives the source.</param>
/// <param name="peer">The other one.</param>
/// <param name="clock">For time limits.</param>
/// <param name="relays">Reaches a peer that can't be dialled, or null.</param>
public sealed class PeerChunkSource(NodeIdentity identity, NodePeer peer, TimeProvider clock, IRelayDialer? relays = null) : IChunkSource, IDisposable
{
    // What a length promises is allocated as it comes, so that a promise alone costs nothing.
    private const int FirstAllocation = 64 << 10;

    private readonly ConcurrentBag<SslStream> _idle = [];
    private volatile bool _isDisposed;

    public string Name => peer.Name;

    public Task<byte[]> ReadManifestAsync(string digest, CancellationToken cancellationToken) => AskAsync(
        new WeightRequestFrame(WeightQuestion.Manifest, digest, 0),
        (stream, length) => ReadGrowingAsync(stream, length, cancellationToken),
        cancellationToken);

    public async Task<ChunkSet> ReadHoldingsAsync(ModelManifest manifest, CancellationToken cancellationToken)
    {
        var bytes = await AskAsync(
            new WeightRequestFrame(WeightQuestion.Holdings, manifest.Digest, 0),
            async (stream, length) =>
            {
                ChunkAnswer.RequireLength(length, ChunkSet.BytesFor(manifest.ChunkCount));
                var bits = new byte[length];
                await stream.ReadExactlyAsync(bits, cancellationToken);
                return bits;
            },
            cancellationToken);
        return ChunkAnswer.Holdings(bytes, manifest);
    }

    public Task ReadChunkAsync(ModelManifest manifest, int chunk, Memory<byte> destination, CancellationToken cancellationToken) => AskAsync(
        new WeightRequestFrame(WeightQuestion.Chunk, manifest.Digest, chunk),
        async (stream, length) =>
        {
            ChunkAnswer.RequireLength(length, destination.Length);
            await stream.ReadExactlyAsync(destination, cancellationToken);
            return 0;
        },
        cancellationToken);

    public void Dispose()
    {
        _isDisposed = true;
        while (_idle.TryTake(out var stream))
            stream.Dispose();
    }

    private static async Task<byte[]> ReadGrowingAsync(SslStream stream, int length, CancellationToken cancellationToken)
    {
        var bytes = new byte[Math.Min(length, FirstAllocation)];
        for (var filled = 0; filled < length;)
        {
            if (filled == bytes.Length)
                Array.Resize(ref bytes, (int)Math.Min(length, 2L * bytes.Length));
            await stream.ReadExactlyAsync(bytes.AsMemory(filled), cancellationToken);
            filled = bytes.Length;
        }
        return bytes;
    }

    private async Task<T> AskAsync<T>(WeightRequestFrame question, Func<SslStream, int, Task<T>> read, CancellationToken cancellationToken)
    {
        ObjectDisposedException.ThrowIf(_isDisposed, this);
        // A connection that lay idle may have been ended by the other side meanwhile: that is no failure of the peer's.
        while (_idle.TryTake(out var idle))
        {
            try
            {
                return await AskAsync(idle, question, read, cancellationToken);
            }
            catch (IOException)
            {
            }
        }
        try
        {
            var way = await PeerConnection.ConnectAsync(identity, peer, WeightProtocol.Name, clock, relays, cancellationToken);
            return await AskAsync(way.Stream, question, read, cancellationToken);
        }
        catch (PeerUnreachableException error)
        {
            throw new ChunkSourceException(ChunkSourceFault.Unreachable, error.Message);
        }
        catch (IOException)
        {
            throw new ChunkSourceException(ChunkSourceFault.Unreachable, "the connection broke");
        }
    }

    private async Task<T> AskAsync<T>(SslStream stream, WeightRequestFrame question, Func<SslStream, int, Task<T>> read, CancellationToken cancellationToken)
    {
        var isSound = false;
        try
        {
            var front = new byte[WeightProtocol.QuestionBytes];
            WeightProtocol.Write(question, front);
            await stream.WriteAsync(front, cancellationToken);
            await stream.ReadExactlyAsync(front.AsMemory(0, WeightProtocol.AnswerBytes), cancellationToken);
            if (!WeightProtocol.TryReadAnswer(front, out var status, out var length))
                throw new ChunkSourceException(ChunkSourceFault.BadAnswer, "its answer breaks the protocol");
            isSound = status == WeightStatus.NotHeld;
            Require(status);
            var answer = await read(stream, length);
            isSound = true;
            return answer;
        }
        finally
        {
            if (isSound && !_isDisposed)
                _idle.Add(stream);
            else
                await stream.DisposeAsync();
        }
    }

    private static void Require(WeightStatus status)
    {
        switch (status)
        {
            case WeightStatus.NotHeld:
                throw new ChunkSourceException(ChunkSourceFault.NotHeld, "it has not got what was asked for");
            case WeightStatus.Busy:
                throw new ChunkSourceException(ChunkSourceFault.Unreachable, "it is busy");
            case WeightStatus.Malformed:
                throw new ChunkSourceException(ChunkSourceFault.BadAnswer, "it does not understand the question");
        }
    }
}
