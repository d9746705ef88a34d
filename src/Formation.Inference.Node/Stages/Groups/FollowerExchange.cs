using Formation.Inference.Engine.Models;
using Formation.Inference.Engine.Stages;
using Formation.Inference.Kernels.Layers;
using Formation.Inference.Node.Stages.Chain;
using Formation.Inference.Node.Stages.Wire;

namespace Formation.Inference.Node.Stages.Groups;

/// <summary>A follower's side of its group's sums: with the leader alone, whoever else is in the group.</summary>
/// <param name="share">What this member computes; its rank is above 0.</param>
/// <param name="layers">The layers that the group shares, for the words of a loss.</param>
public sealed class FollowerExchange(TensorShare share, LayerRange layers) : ITensorExchange, IDisposable
{
    readonly float[] _received = GC.AllocateUninitializedArray<float>(TensorLink.MaxPiece, pinned: true);
    TensorLink? _link;

    public TensorShare Share => share;

    /// <summary>Takes a leader's connection in the place of the one before.</summary>
    internal void Attach(TensorLink link) => Interlocked.Exchange(ref _link, link)?.Close("the leader has connected again");

    /// <inheritdoc/>
    /// <exception cref="StageBatchException">A member has computed a value that is not finite; the group stays whole.</exception>
    public void Sum(Span<float> values)
    {
        var link = Volatile.Read(ref _link);
        if (link is null || !link.TryEnter())
            throw new StageLostException(layers, "no leader is connected for partial sums");
        try
        {
            for (var first = 0; first < values.Length; first += TensorLink.MaxPiece)
                Sum(link, values.Slice(first, Math.Min(TensorLink.MaxPiece, values.Length - first)));
        }
        catch (Exception failure) when (failure is StageProtocolException or IOException)
        {
            throw link.Lost(failure, layers, "the leader");
        }
        finally
        {
            link.Leave();
        }
    }

    public void Dispose() => Volatile.Read(ref _link)?.Close("the stage ends");

    void Sum(TensorLink link, Span<float> piece)
    {
        var isFinite = RowCodec.IsFinite(piece);
        link.Send(isFinite ? piece : []);

        // Of two, each adds up for itself; of more, the leader does, and sends the sum. To the bit, a + b is b + a.
        var received = _received.AsSpan(0, piece.Length);
        if (!link.TryReceive(share.Count == 2 ? received : piece) || !isFinite)
            throw new StageBatchException(StageErrorCode.NotFinite, $"{layers}: a partial sum is not finite");
        if (share.Count == 2)
            Addition.Accumulate(received, piece);
    }
}
