namespace Formation.Inference.Cluster.Placement;

/// <summary>Which nodes hold which layers, what that takes of their memory, and how fast it is predicted to be.</summary>
public sealed record PlacementPlan
{
    /// <summary>Copies of the whole model, each on nodes of its own.</summary>
    public required IReadOnlyList<ReplicaPlan> Replicas { get; init; }

    /// <summary>Nodes kept ready for a lost stage of any replica.</summary>
    public required IReadOnlyList<SparePlan> Spares { get; init; }

    /// <summary>All replicas together; of one stream, the fastest replica.</summary>
    public required SpeedPrediction Speed { get; init; }

    /// <summary>What is to be known of it, in words.</summary>
    public required IReadOnlyList<string> Notes { get; init; }

    /// <summary>Whether a group of machines shares layers.</summary>
    public bool NeedsTensorParallel => Replicas.Any(replica => replica.Stages.Any(stage => stage.Nodes.Count > 1));

    /// <summary>Nodes with layers, spares apart.</summary>
    public int NodeCount => Replicas.Sum(replica => replica.Stages.Sum(stage => stage.Nodes.Count));
}

/// <summary>One copy of the whole model. The first stage is the head.</summary>
/// <param name="Stages">In the order of the layers.</param>
/// <param name="Links">From each stage to the next, and from the last back to the head; none where there is one stage.</param>
/// <param name="Sequences">Sequences that it is promised to run at once.</param>
/// <param name="KvBlocks">KV blocks that each of its stages holds.</param>
/// <param name="Speed">As predicted.</param>
public sealed record ReplicaPlan(
    IReadOnlyList<StagePlan> Stages, IReadOnlyList<LinkPlan> Links, int Sequences, int KvBlocks, SpeedPrediction Speed);

/// <summary>A range of layers and where it runs.</summary>
/// <param name="Nodes">One node, or a group that shares each layer by heads and hidden slices.</param>
/// <param name="Layers">Its layers.</param>
/// <param name="Memory">Bytes on each of the nodes.</param>
/// <param name="FreeBytes">Bytes that the node offers; of a group the least.</param>
/// <param name="SecondsPerToken">Its part of a single stream's token, the output head included where it is the head.</param>
public sealed record StagePlan(IReadOnlyList<string> Nodes, LayerSpan Layers, StageMemory Memory, long FreeBytes, double SecondsPerToken);

/// <summary>What a stage takes of a node's memory, in bytes.</summary>
/// <param name="Weights">Its layers', and on the head the embedding's and the output head's.</param>
/// <param name="KeysAndValues">Of the promised positions.</param>
/// <param name="Boundary">Activations that it sent on, kept so that a lost stage behind it can be rebuilt.</param>
/// <param name="Scratch">What it computes in.</param>
public readonly record struct StageMemory(long Weights, long KeysAndValues, long Boundary, long Scratch)
{
    public long Total => Weights + KeysAndValues + Boundary + Scratch;
}

/// <summary>A way that activations take.</summary>
/// <param name="From">Node that sends.</param>
/// <param name="To">Node that receives.</param>
/// <param name="Precision">How they cross.</param>
/// <param name="BytesPerToken">For one sequence.</param>
/// <param name="SecondsPerToken">Its part of a single stream's token.</param>
/// <param name="IsMeasured">Whether one of the two measured it; otherwise it is assumed.</param>
public sealed record LinkPlan(string From, string To, LinkPrecision Precision, long BytesPerToken, double SecondsPerToken, bool IsMeasured);

/// <summary>A node kept ready.</summary>
/// <param name="Node">Its name.</param>
/// <param name="Bytes">What the largest stage that it may have to take over needs.</param>
/// <param name="FreeBytes">Bytes that it offers.</param>
/// <param name="SecondsPerToken">A single stream's token after it took over the stage that it takes over worst.</param>
public sealed record SparePlan(string Node, long Bytes, long FreeBytes, double SecondsPerToken);

/// <summary>Predicted speeds.</summary>
/// <param name="OneStream">Tokens a second of a sequence that is alone.</param>
/// <param name="AllStreams">Tokens a second of all promised sequences together.</param>
/// <param name="FirstTokenSeconds">From a typical prompt's arrival on an idle replica to its first token.</param>
public readonly record struct SpeedPrediction(double OneStream, double AllStreams, double FirstTokenSeconds)
{
    /// <summary>The speed that counts.</summary>
    public double Of(PlacementGoal goal) => goal == PlacementGoal.OneStream ? OneStream : AllStreams;
}
