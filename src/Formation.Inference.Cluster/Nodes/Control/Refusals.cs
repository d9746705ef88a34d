using Grpc.Core;

namespace Formation.Inference.Cluster.Nodes.Control;

/// <summary>Refusals as gRPC carries them: a status with the sentence, and a trailer with the reason for programs.</summary>
public static class Refusals
{
    private const string Trailer = "formation-refusal";

    /// <summary>Ends a call with a refusal.</summary>
    public static RpcException ToException(Refusal refusal)
    {
        // Trailers and status details are ASCII on the wire; names and sentences of ours are, what a peer sent is not repeated.
        var trailers = new Metadata { { Trailer, refusal.Reason.ToString() } };
        return new RpcException(new Status(StatusOf(refusal.Reason), refusal.Message), trailers);
    }

    /// <summary>The refusal that ended a call, or null where something else did.</summary>
    public static Refusal? From(RpcException error) =>
        error.Trailers.GetValue(Trailer) is { } text && Enum.TryParse<RefusalReason>(text, out var reason)
            ? new Refusal(Enum.IsDefined(reason) ? reason : RefusalReason.Other, WireText.Plain(error.Status.Detail))
            : null;

    private static StatusCode StatusOf(RefusalReason reason) => reason switch
    {
        RefusalReason.BadMessage or RefusalReason.TokenMalformed => StatusCode.InvalidArgument,
        RefusalReason.WrongProtocol => StatusCode.FailedPrecondition,
        RefusalReason.NameTaken => StatusCode.AlreadyExists,
        RefusalReason.Replaced or RefusalReason.Silent or RefusalReason.NotReading => StatusCode.Aborted,
        RefusalReason.ShuttingDown or RefusalReason.NotNow => StatusCode.Unavailable,
        RefusalReason.NotServed => StatusCode.NotFound,
        RefusalReason.Busy => StatusCode.ResourceExhausted,
        _ => StatusCode.PermissionDenied,
    };
}
