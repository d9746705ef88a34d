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

    /// <summary>No replica that is ready is what the request says that it must be.</summary>
    public static GenerationError NoneFits(string modelId, RoutingRequirements required, IReadOnlyList<Replica> ready)
    {
        if (ready.Count < required.MinReplicas)
            return Unfit(nameof(RoutingRequirements.MinReplicas), Invariant(
                $"The model '{modelId}' has {ready.Count} replicas that are ready, and {required.MinReplicas} are asked for."));
        var inRegion = ready.Where(replica => required.Region is null || replica.Region == required.Region).ToList();
        return inRegion.Count == 0
            ? Unfit(nameof(RoutingRequirements.Region), Invariant(
                $"No replica of the model '{modelId}' is in the region '{required.Region}'. There are some in: {string.Join(", ", RegionsOf(ready))}."))
            : Unfit(nameof(RoutingRequirements.MaxRoundTrip), Invariant(
                $"The nearest replica of the model '{modelId}' is {inRegion.Min(replica => replica.RoundTrip).TotalMilliseconds:F1} ms away (there and back), and at most {required.MaxRoundTrip!.Value.TotalMilliseconds:F1} ms are asked for."));
    }

    private static IEnumerable<string> RegionsOf(IReadOnlyList<Replica> ready) =>
        ready.Select(replica => replica.Region.Length == 0 ? "(none)" : $"'{replica.Region}'").Distinct().Order(StringComparer.Ordinal);

    private static GenerationError Unfit(string requirement, string message) =>
        new(GenerationErrorKind.InvalidRequest, message) { Parameter = $"{nameof(GenerationRequest.Routing)}.{requirement}" };

    public static GenerationError TooManyLosses(int losses) =>
        new(GenerationErrorKind.Internal, Invariant(
            $"{losses} machines in a row were lost while they worked on this request, so it is not given to another one. The server's log tells why."));

    private static GenerationError Unavailable(string message) => new(GenerationErrorKind.ModelUnavailable, message) { RetryAfter = Retry };

    private static string Invariant(FormattableString text) => text.ToString(CultureInfo.InvariantCulture);
}
