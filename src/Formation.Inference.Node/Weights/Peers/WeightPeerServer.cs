using System.Buffers;
using System.Net.Security;
using Formation.Inference.Cluster.Identity;
using Formation.Inference.Cluster.Nodes;
using Formation.Inference.Cluster.Weights;

namespace Formation.Inference.Node.Weights.Peers;

/// <summary>Gives other nodes the chunks that this one has. Whom it serves, the listener has decided before.</summary>
/// <param name="find">What is here of a model, or null.</param>
/// <param name="clock">For time limits.</param>
public sealed class WeightPeerServer(Func<string, IServedModel?> find, TimeProvider clock) : IDisposable
{
    /// <summary>The protocol's name, under which <see cref="ServeAsync"/> is registered with the listener.</summary>
    public const string Protocol = WeightProtocol.Name;

    /// <summary>Connections of one peer at once.</summary>
    public const int ConnectionsPerPeer = 8;

    /// <summary>Chunks that all connections together hold in memory; further answers wait.</summary>
    public const int ChunksInMemory = 32;

    /// <summary>How long a peer may say nothing, and how long an answer may take to go out.</summary>
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);

    private readonly PeerCounts _connections = new();
    private readonly SemaphoreSlim _buffers = new(ChunksInMemory);
    private long _bytesSent;

    /// <summary>Bytes of all answers that went out.</summary>
    public long BytesSent => Volatile.Read(ref _bytesSent);

    /// <summary>Answers the questions of one connection until it ends, or breaks the protocol.</summary>
    public async Task ServeAsync(NodePeer peer, SslStream stream, CancellationToken cancellationToken)
    {
        var isWelcome = _connections.Enter(peer.Pin) <= ConnectionsPerPeer;
        try
        {
            var question = new byte[WeightProtocol.QuestionBytes];
            // The model of the question before: a fetch asks for many chunks of one.
            IServedModel? model = null;
            while (await WithinAsync(stop => ReadAsync(stream, question, stop), cancellationToken))
            {
                if (!WeightProtocol.TryRead(question, out var asked) || !isWelcome)
                {
                    await WithinAsync(stop => RefuseAsync(stream, isWelcome ? WeightStatus.Malformed : WeightStatus.Busy, stop), cancellationToken);
                    return;
                }
                if (model?.Manifest.Digest != asked.Digest)
                    model = find(asked.Digest);
                await WithinAsync(stop => AnswerAsync(stream, model, asked, stop), cancellationToken);
            }
        }
        finally
        {
            _connections.Leave(peer.Pin);
        }
    }

    public void Dispose() => _buffers.Dispose();

    /// <returns>False where the peer ended the connection between two questions.</returns>
    private static async Task<bool> ReadAsync(SslStream stream, byte[] question, CancellationToken stop)
    {
        var count = await stream.ReadAtLeastAsync(question, question.Length, throwOnEndOfStream: false, stop);
        return count == question.Length || (count == 0 ? false : throw new EndOfStreamException());
    }

    private Task WithinAsync(Func<CancellationToken, Task> step, CancellationToken cancellationToken) => WithinAsync(
        async stop =>
        {
            await step(stop);
            return true;
        },
        cancellationToken);

    private async Task<T> WithinAsync<T>(Func<CancellationToken, Task<T>> step, CancellationToken cancellationToken)
    {
        using var patience = new CancellationTokenSource(Patience, clock);
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(patience.Token, cancellationToken);
        return await step(stop.Token);
    }

    private Task AnswerAsync(SslStream stream, IServedModel? model, WeightRequestFrame asked, CancellationToken stop) => asked.Question switch
    {
        _ when model is null || asked.Chunk >= model.Manifest.ChunkCount => RefuseAsync(stream, WeightStatus.NotHeld, stop),
        WeightQuestion.Manifest => SendAsync(stream, model.Manifest.Bytes, stop),
        WeightQuestion.Holdings => SendAsync(stream, HoldingsOf(model).Bytes, stop),
        _ => SendChunkAsync(stream, model, asked.Chunk, stop),
    };

    private static ChunkSet HoldingsOf(IServedModel model)
    {
        try
        {
            return model.Held();
        }
        // As with a chunk: what can't be read is not here.
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            return new ChunkSet(model.Manifest.ChunkCount);
        }
    }

    private async Task SendChunkAsync(SslStream stream, IServedModel model, int chunk, CancellationToken stop)
    {
        await _buffers.WaitAsync(stop);
        var length = model.Manifest.PlaceOf(chunk).Length;
        var buffer = ArrayPool<byte>.Shared.Rent(WeightProtocol.AnswerBytes + length);
        try
        {
            if (await model.TryReadFromDiskAsync(chunk, buffer.AsMemory(WeightProtocol.AnswerBytes, length), stop))
            {
                // Header and content in one write: one record of TLS less, and no small packet.
                WeightProtocol.WriteAnswer(WeightStatus.Here, length, buffer);
                await WriteAsync(stream, buffer.AsMemory(0, WeightProtocol.AnswerBytes + length), stop);
            }
            else
            {
                await RefuseAsync(stream, WeightStatus.NotHeld, stop);
            }
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(buffer);
            _buffers.Release();
        }
    }

    private async Task SendAsync(SslStream stream, ReadOnlyMemory<byte> content, CancellationToken stop)
    {
        var front = new byte[WeightProtocol.AnswerBytes];
        WeightProtocol.WriteAnswer(WeightStatus.Here, content.Length, front);
        await WriteAsync(stream, front, stop);
        await WriteAsync(stream, content, stop);
    }

    private async Task RefuseAsync(SslStream stream, WeightStatus status, CancellationToken stop)
    {
        var front = new byte[WeightProtocol.AnswerBytes];
        WeightProtocol.WriteAnswer(status, 0, front);
        await WriteAsync(stream, front, stop);
    }

    private async Task WriteAsync(SslStream stream, ReadOnlyMemory<byte> bytes, CancellationToken stop)
    {
        await stream.WriteAsync(bytes, stop);
        Interlocked.Add(ref _bytesSent, bytes.Length);
    }
}
