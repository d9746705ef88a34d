using Formation.Inference.Cluster.Identity;
using Formation.Inference.Cluster.Nodes;
using Formation.Inference.Cluster.Weights;
using Formation.Inference.Cluster.Weights.Wire;
using Formation.Inference.Node.Agent;
using Grpc.Core;

namespace Formation.Inference.Node.Weights.Fetching;

/// <summary>A gateway as a source, over a connection of its own, so that weights never stand in the way of heartbeats.</summary>
/// <param name="identity">This node's key; outlives the source.</param>
/// <param name="url">The gateway's control port.</param>
/// <param name="gateway">The key that it must show.</param>
/// <param name="clock">For the check of certificates.</param>
public sealed class GatewayChunkSource(NodeIdentity identity, Uri url, KeyPin gateway, TimeProvider clock) : IChunkSource, IDisposable
{
    private readonly GatewayLink _link = new(identity, url, gateway, clock);

    public string Name { get; } = $"the gateway at {url.Authority}";

    public async Task<byte[]> ReadManifestAsync(string digest, CancellationToken cancellationToken)
    {
        var bytes = new MemoryStream();
        await ReadAsync(
            stop => _link.Weights.ReadManifest(new ManifestRequest { Digest = digest }, cancellationToken: stop),
            piece => bytes.Write(piece.Span),
            () => bytes.Length,
            ManifestLimits.ManifestBytes,
            cancellationToken);
        return bytes.ToArray();
    }

    public async Task<ChunkSet> ReadHoldingsAsync(ModelManifest manifest, CancellationToken cancellationToken)
    {
        var bits = new byte[ChunkSet.BytesFor(manifest.ChunkCount)];
        await FillAsync(stop => _link.Weights.ReadHoldings(new HoldingsRequest { Digest = manifest.Digest }, cancellationToken: stop), bits, cancellationToken);
        return ChunkAnswer.Holdings(bits, manifest);
    }

    public Task ReadChunkAsync(ModelManifest manifest, int chunk, Memory<byte> destination, CancellationToken cancellationToken) => FillAsync(
        stop => _link.Weights.ReadChunk(new ChunkRequest { Digest = manifest.Digest, Chunk = chunk }, cancellationToken: stop), destination, cancellationToken);

    public void Dispose() => _link.Dispose();

    private async Task FillAsync(Func<CancellationToken, AsyncServerStreamingCall<Piece>> begin, Memory<byte> destination, CancellationToken cancellationToken)
    {
        var filled = 0;
        await ReadAsync(
            begin,
            piece =>
            {
                piece.CopyTo(destination[filled..]);
                filled += piece.Length;
            },
            () => filled,
            destination.Length,
            cancellationToken);
        ChunkAnswer.RequireLength(filled, destination.Length);
    }

    private async Task ReadAsync(
        Func<CancellationToken, AsyncServerStreamingCall<Piece>> begin, Action<ReadOnlyMemory<byte>> take, Func<long> taken, long most, CancellationToken cancellationToken)
    {
        try
        {
            using var call = begin(cancellationToken);
            while (await call.ResponseStream.MoveNext(cancellationToken))
            {
                var piece = call.ResponseStream.Current.Data.Memory;
                // An empty piece is none: a stream of them would never end.
                if (piece.Length == 0 || piece.Length > most - taken())
                    throw new ChunkSourceException(ChunkSourceFault.BadAnswer, $"it sent a piece of {piece.Length} bytes behind {taken()} of at most {most}");
                take(piece);
            }
        }
        catch (RpcException error)
        {
            cancellationToken.ThrowIfCancellationRequested();
            throw Explain(error);
        }
    }

    private ChunkSourceException Explain(RpcException error)
    {
        var explained = _link.Explain(error);
        var fault = explained is not NodeRefusedException { Refusal: var refusal } ? ChunkSourceFault.Unreachable
            : refusal.Reason == RefusalReason.NotServed ? ChunkSourceFault.NotHeld
            : refusal.IsFinal ? ChunkSourceFault.Refused
            : ChunkSourceFault.Unreachable;
        return new ChunkSourceException(fault, explained.Message);
    }
}
