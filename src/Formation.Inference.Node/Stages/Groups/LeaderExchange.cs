using Formation.Inference.Engine.Models;
using Formation.Inference.Engine.Stages;
using Formation.Inference.Kernels.Layers;
using Formation.Inference.Node.Stages.Chain;
using Formation.Inference.Node.Stages.Wire;

namespace Formation.Inference.Node.Stages.Groups;

/// <summary>The leader's side of its group's sums: a link to each follower.</summary>
/// <param name="count">Members of the group.</param>
/// <param name="layers">The layers that the group shares, for the words of a loss.</param>
internal sealed class LeaderExchange(int count, LayerRange layers) : ITensorExchange
{
    readonly TensorLink?[] _links = new TensorLink?[count - 1];
    readonly float[] _received = GC.AllocateUninitializedArray<float>(TensorLink.MaxPiece, pinned: true);

    public TensorShare Share { get; } = new(0, count);

    /// <summary>Whether this follower's link works, as far as is known.</summary>
    public bool IsLinked(int rank) => _links[rank - 1] is { Loss: null };

    /// <summary>Takes a follower's connection in the place of the one before. No batch is under way.</summary>
    public void Attach(int rank, TensorLink link) => Interlocked.Exchange(ref _links[rank - 1], link)?.Close("another link takes its place");

    /// <summary>Ends all links, and with them a sum that waits. From any thread.</summary>
    public void Close(string reason)
    {
        for (var i = 0; i < _links.Length; i++)
            Volatile.Read(ref _links[i])?.Close(reason);
    }

    /// <inheritdoc/>
    /// <exception cref="StageBatchException">A member has computed a value that is not finite; the group stays whole.</exception>
    public void Sum(Span<float> values)
    {
        for (var first = 0; first < values.Length; first += TensorLink.MaxPiece)
            SumPiece(values.Slice(first, Math.Min(TensorLink.MaxPiece, values.Length - first)));
    }

    void SumPiece(Span<float> piece)
    {
        var isFinite = RowCodec.IsFinite(piece);
        if (count == 2)
            Use(1, piece, isFinite, Send);
        for (var rank = 1; rank < count; rank++)
        {
            var received = _received.AsSpan(0, piece.Length);
            isFinite &= Use(rank, received, true, Receive);
            if (isFinite)
                Addition.Accumulate(received, piece);
        }
        // Two finite numbers may have a sum that is not.
        isFinite = isFinite && (count == 2 || RowCodec.IsFinite(piece));
        for (var rank = 1; rank < count && count > 2; rank++)
            Use(rank, piece, isFinite, Send);
        if (!isFinite)
            throw new StageBatchException(StageErrorCode.NotFinite, $"{layers}: a partial sum is not finite");
    }

    delegate bool Step(TensorLink link, Span<float> piece, bool isFinite);

    static bool Send(TensorLink link, Span<float> piece, bool isFinite)
    {
        link.Send(isFinite ? piece : []);
        return isFinite;
    }

    static bool Receive(TensorLink link, Span<float> piece, bool isFinite) => link.TryReceive(piece) && isFinite;

    bool Use(int rank, Span<float> piece, bool isFinite, Step step)
    {
        var link = Volatile.Read(ref _links[rank - 1]);
        if (link is null || !link.TryEnter())
            throw new StageLostException(layers, $"member {rank} is lost: {link?.Loss ?? "it is not connected"}");
        try
        {
            return step(link, piece, isFinite);
        }
        catch (Exception failure) when (failure is StageProtocolException or IOException)
        {
            throw link.Lost(failure, layers, $"member {rank}");
        }
        finally
        {
            link.Leave();
        }
    }
}
