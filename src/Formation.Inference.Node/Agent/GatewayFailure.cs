using Formation.Inference.Cluster.Identity;
using Formation.Inference.Cluster.Nodes;
using Formation.Inference.Cluster.Nodes.Control;
using Grpc.Core;

namespace Formation.Inference.Node.Agent;

/// <summary>A gateway refused this node, and said why.</summary>
public sealed class NodeRefusedException(Refusal refusal) : Exception(refusal.Message)
{
    public Refusal Refusal { get; } = refusal;
}

/// <summary>No connection to a gateway came about, or it broke.</summary>
/// <param name="message">Why, in words.</param>
/// <param name="fault">What was wrong with the certificate at the other end, where that was it.</param>
public sealed class GatewayUnreachableException(string message, CertificateFault? fault = null) : Exception(message)
{
    /// <summary>What was wrong with the certificate at the other end, or null.</summary>
    public CertificateFault? Fault { get; } = fault;
}

/// <summary>Tells apart why a call to a gateway failed.</summary>
static class GatewayFailure
{
    /// <param name="error">How the call ended.</param>
    /// <param name="url">Whom it was made to.</param>
    /// <param name="fault">What the check of the certificate found.</param>
    public static Exception Explain(RpcException error, Uri url, CertificateFault? fault)
    {
        if (Refusals.From(error) is { } refusal)
            return new NodeRefusedException(refusal);
        if (fault is { } found)
            return new GatewayUnreachableException($"The gateway at {url} is not trusted: {CertificateCheck.Describe(found)}.", found);
        return error.StatusCode switch
        {
            StatusCode.Unavailable => new GatewayUnreachableException($"No gateway answers at {url} ({WireText.Plain(Innermost(error))})"),
            StatusCode.ResourceExhausted => new NodeRefusedException(new Refusal(RefusalReason.BadMessage, "The gateway takes no message of that size.")),
            StatusCode.Unimplemented => new GatewayUnreachableException($"What answers at {url} is not the control plane of a gateway."),
            _ => new GatewayUnreachableException($"The connection to {url} ended ({error.StatusCode}: {WireText.Plain(error.Status.Detail)})"),
        };
    }

    // The status repeats each level of the cause; the last one says it.
    private static string Innermost(RpcException error)
    {
        var cause = error.Status.DebugException ?? error.InnerException;
        while (cause?.InnerException is { } inner)
            cause = inner;
        return cause?.Message ?? error.Status.Detail;
    }
}
