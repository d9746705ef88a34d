namespace Formation.Inference.Cluster.Routing;

/// <summary>Lets the head of a replica work on a request. Safe to use from any thread.</summary>
public interface IHeadClient
{
    /// <summary>
    /// One attempt on one head. What comes is what the head says, and not to be trusted further than its form.
    /// </summary>
    /// <param name="replica">Whose head; it is dialled where no connection is open.</param>
    /// <param name="request">The request, with its <see cref="GenerationRequest.Continuation"/> where another head has begun it.</param>
    /// <param name="cancellationToken">Ends the work on the head, too.</param>
    /// <exception cref="HeadLostException">While it is enumerated: the head can't be reached, is lost, leaves, or breaks the protocol.</exception>
    IAsyncEnumerable<GenerationEvent> GenerateAsync(Replica replica, GenerationRequest request, CancellationToken cancellationToken);

    /// <summary>The same for vectors. An answer has as many as were asked for, finite, of one width and within the limits of a request.</summary>
    /// <inheritdoc cref="GenerateAsync"/>
    Task<Outcome<EmbeddingAnswer>> EmbedAsync(Replica replica, EmbeddingRequest request, CancellationToken cancellationToken);
}

/// <summary>A head does not go on with a request, which another one may do.</summary>
/// <param name="loss">What happened.</param>
/// <param name="reason">What was seen, for operators; holds no text of a prompt or completion.</param>
public sealed class HeadLostException(HeadLoss loss, string reason) : Exception(reason)
{
    public HeadLoss Loss { get; } = loss;
}

/// <summary>How a head is lost to a request.</summary>
public enum HeadLoss
{
    /// <summary>No connection could be opened: the head has not seen the request.</summary>
    Unreachable,

    /// <summary>The connection broke.</summary>
    Broken,

    /// <summary>Nothing was heard of it any more.</summary>
    Silent,

    /// <summary>It ends in order, and asks to go on elsewhere.</summary>
    Leaving,

    /// <summary>It failed by a fault of its own.</summary>
    Failed,

    /// <summary>What it says breaks the protocol, or is not what a head of this model would say.</summary>
    Untrusted,
}
