using System.Globalization;

namespace Formation.Inference.Cluster.Routing;

/// <summary>The failures of a request that no head answers, worded in one place.</summary>
internal static class RoutingErrors
{
    private static readonly TimeSpan Retry = TimeSpan.FromSeconds(10);

    public static GenerationError ModelNotFound(string modelId) =>
        new(GenerationErrorKind.ModelNotFound, $"The model '{modelId}' does not exist; the list of models shows those that do.")
        {
            Parameter = nameof(GenerationRequest.ModelId),
        };

    public static GenerationError NoHead(string modelId, ReplicaSet? replicas, TimeSpan waited)
    {
        var reason = replicas switch
        {
            null => "it is not deployed any more",
            { NotReadyReason: { } told, Progress: { } progress } => Invariant($"{told} ({progress * 100:F0} %)"),
            { NotReadyReason: { } told } => told,
            _ => "none of its replicas could be reached",
        };
        return Unavailable(Invariant($"No machine took this request for the model '{modelId}' within {waited.TotalSeconds:F0} s: {reason}. Try again later."));
    }

    public static GenerationError TooManyLosses(int losses) =>
        new(GenerationErrorKind.Internal, Invariant(
            $"{losses} machines in a row were lost while they worked on this request, so it is not given to another one. The server's log tells why."));

    private static GenerationError Unavailable(string message) => new(GenerationErrorKind.ModelUnavailable, message) { RetryAfter = Retry };

    private static string Invariant(FormattableString text) => text.ToString(CultureInfo.InvariantCulture);
}
