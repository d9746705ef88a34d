using Formation.Inference.Cluster.Placement.Costs;

namespace Formation.Inference.Cluster.Placement.Search;

/// <summary>A whole plan in the search's own terms.</summary>
/// <param name="Problem">With the sequences of each replica.</param>
/// <param name="Replicas">Their chains, on places of their own.</param>
internal sealed record Candidate(PlacementProblem Problem, IReadOnlyList<PlacedChain> Replicas)
{
    public int NodeCount { get; } = Replicas.Sum(replica => replica.Nodes.Count());

    public int Stages { get; } = Replicas.Max(replica => replica.Stages);

    /// <summary>Whether a group of machines shares layers.</summary>
    public bool SharesLayers { get; } = Replicas.Any(replica => replica.Places.Any(place => place.Nodes.Count > 1));

    /// <summary>Whether each replica's first layers are shared.</summary>
    public bool IsLedByGroups { get; } = Replicas.All(replica => replica.Places[0].Nodes.Count > 1);

    /// <summary>All replicas together; of one stream, the fastest.</summary>
    public SpeedPrediction Speed { get; } = Together(Problem, [.. Replicas.Select(replica => SpeedPredictor.Predict(Problem, replica))]);

    /// <summary>The speed that counts.</summary>
    public double Rate => Speed.Of(Problem.Request.Goal);

    /// <summary>Bytes of the largest stage: what a spare needs.</summary>
    public long LargestStage { get; } = Replicas.Max(replica =>
        Enumerable.Range(0, replica.Stages).Max(i => Problem.Memory.Of(replica.Places[i], i, replica.Stages, replica.Layers[i]).Total));

    public bool Uses(NodeOffer node) => Replicas.Any(replica => replica.Nodes.Contains(node));

    private static SpeedPrediction Together(PlacementProblem problem, IReadOnlyList<SpeedPrediction> replicas)
    {
        var fastest = replicas.MaxBy(speed => speed.OneStream);
        // Each has room for its share rounded up; there are no more streams than were promised.
        var busy = Math.Min(1, (double)problem.Request.Concurrency / (replicas.Count * problem.Sequences));
        return fastest with { AllStreams = busy * replicas.Sum(speed => speed.AllStreams) };
    }
}
