using System.Buffers;
using Formation.Inference.Cluster.Identity;
using Formation.Inference.Cluster.Nodes;
using Formation.Inference.Cluster.Nodes.Control;
using Formation.Inference.Cluster.Weights.Wire;
using Google.Protobuf;
using Grpc.Core;

namespace Formation.Inference.Cluster.Weights;

/// <summary>
/// Gives admitted nodes the weights of the models that a gateway serves. Admission is looked up for each piece, so that a node that is removed gets no
/// further one.
/// </summary>
/// <param name="registry">Knows who is admitted.</param>
/// <param name="find">The model of a digest, or null where the gateway does not serve it.</param>
/// <param name="peerOf">Asks the transport for a call's caller.</param>
/// <param name="clock">For time limits.</param>
public sealed class WeightService(
    NodeRegistry registry, Func<string, IServedModel?> find, Func<ServerCallContext, ControlPeer> peerOf, TimeProvider clock)
    : ModelWeights.ModelWeightsBase, IDisposable
{
    private readonly PeerCounts _calls = new();
    private readonly SemaphoreSlim _buffers = new(WeightLimits.ChunksInMemory);

    /// <summary>Gives a model's manifest.</summary>
    public override Task ReadManifest(ManifestRequest request, IServerStreamWriter<Piece> responses, ServerCallContext context) =>
        ServeAsync(context, (peer, stop) => SendAsync(peer, ModelOf(request.Digest).Manifest.Bytes, responses, stop));

    /// <summary>Says which chunks of a model are there.</summary>
    public override Task ReadHoldings(HoldingsRequest request, IServerStreamWriter<Piece> responses, ServerCallContext context) =>
        ServeAsync(context, (peer, stop) => SendAsync(peer, ModelOf(request.Digest).Held().Bytes, responses, stop));

    /// <summary>Gives a chunk, checked against its hash.</summary>
    public override Task ReadChunk(ChunkRequest request, IServerStreamWriter<Piece> responses, ServerCallContext context) =>
        ServeAsync(context, async (peer, stop) =>
        {
            var model = ModelOf(request.Digest);
            if (request.Chunk < 0 || request.Chunk >= model.Manifest.ChunkCount)
                throw Refuse(RefusalReason.BadMessage, $"The model has no chunk {request.Chunk}; it has {model.Manifest.ChunkCount}.");
            await _buffers.WaitAsync(stop);
            var length = model.Manifest.PlaceOf(request.Chunk).Length;
            var buffer = ArrayPool<byte>.Shared.Rent(length);
            try
            {
                var bytes = buffer.AsMemory(0, length);
                if (!await model.TryReadFromDiskAsync(request.Chunk, bytes, stop))
                    throw Refuse(RefusalReason.NotServed, $"The chunk {request.Chunk} is damaged or gone on the gateway's disk.");
                await SendAsync(peer, bytes, responses, stop);
            }
            finally
            {
                ArrayPool<byte>.Shared.Return(buffer);
                _buffers.Release();
            }
        });

    public void Dispose() => _buffers.Dispose();

    private static RpcException Refuse(RefusalReason reason, string message) => Refusals.ToException(new Refusal(reason, message));

    private async Task ServeAsync(ServerCallContext context, Func<ControlPeer, CancellationToken, Task> serve)
    {
        var peer = peerOf(context);
        RequireAdmitted(peer);
        if (_calls.Enter(peer.Pin) > WeightLimits.CallsPerNode)
        {
            _calls.Leave(peer.Pin);
            throw Refuse(RefusalReason.Busy, $"The node has {WeightLimits.CallsPerNode} calls for weights under way, and no more are taken.");
        }
        using var patience = new CancellationTokenSource(WeightLimits.Patience, clock);
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(patience.Token, context.CancellationToken);
        try
        {
            await serve(peer, stop.Token);
        }
        catch (OperationCanceledException) when (patience.IsCancellationRequested)
        {
            throw Refuse(RefusalReason.NotReading, $"The call took longer than {WeightLimits.Patience.TotalSeconds:0} s.");
        }
        finally
        {
            _calls.Leave(peer.Pin);
        }
    }

    private IServedModel ModelOf(string digest) => (ModelManifest.IsDigest(digest) ? find(digest) : null)
        ?? throw Refuse(RefusalReason.NotServed, "The gateway serves no model of this digest.");

    private async Task SendAsync(ControlPeer peer, ReadOnlyMemory<byte> bytes, IServerStreamWriter<Piece> responses, CancellationToken stop)
    {
        for (var at = 0; at < bytes.Length; at += WeightLimits.PieceBytes)
        {
            RequireAdmitted(peer);
            var piece = bytes.Slice(at, Math.Min(WeightLimits.PieceBytes, bytes.Length - at));
            // Not copied: the message is written out before the write ends.
            await responses.WriteAsync(new Piece { Data = UnsafeByteOperations.UnsafeWrap(piece) }, stop);
        }
    }

    private void RequireAdmitted(ControlPeer peer)
    {
        if (registry.Find(peer.Pin) is not null)
            return;
        peer.AbortLater(clock);
        throw Refuse(
            RefusalReason.UnknownCertificate,
            $"Weights are for admitted nodes, and the certificate {peer.Pin.Short} is that of none. Admit the node with a token from 'form node token create'.");
    }
}
