using Formation.Inference.Cluster.Identity;

namespace Formation.Inference.Cluster.Routing;

/// <summary>One copy of a model that can be asked, as a gateway knows it.</summary>
/// <param name="Id">Names the replica for its life, whichever machines it lies on.</param>
/// <param name="NodeName">The node that its head runs on, for people.</param>
/// <param name="HeadPin">The key of its head. Another head has another key, so a head that was started anew counts as a new one.</param>
/// <param name="Addresses">Where the head is dialled (<c>host:port</c> or <c>relay:PIN</c>), the best one first.</param>
public sealed record Replica(string Id, string NodeName, KeyPin HeadPin, IReadOnlyList<string> Addresses)
{
    /// <summary>Whether its head takes requests.</summary>
    public bool IsReady { get; init; }

    /// <summary>The nodes that hold its layers, the head's first, each once.</summary>
    public IReadOnlyList<string> Nodes { get; init; } = [];

    /// <summary>Where it is, or an empty text.</summary>
    public string Region { get; init; } = "";

    /// <summary>The way from this gateway to the head and back; zero where it is not known.</summary>
    public TimeSpan RoundTrip { get; init; }
}

/// <summary>All replicas of a model at one moment.</summary>
/// <param name="Version">Another number after each change, growing.</param>
/// <param name="Replicas">Ready ones and others.</param>
public sealed record ReplicaSet(long Version, IReadOnlyList<Replica> Replicas)
{
    /// <summary>Whether its workers are ended until somebody asks for it.</summary>
    public bool IsAsleep { get; init; }

    /// <summary>Why no replica is ready, in words for a caller and without a full stop, or null.</summary>
    public string? NotReadyReason { get; init; }

    /// <summary>How far the model is from being ready, 0 to 1, or null where that is not known.</summary>
    public double? Progress { get; init; }
}
