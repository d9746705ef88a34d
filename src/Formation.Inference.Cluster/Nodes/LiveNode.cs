using Formation.Inference.Cluster.Workers;

namespace Formation.Inference.Cluster.Nodes;

/// <summary>The registry's entry of a node: its record, and what is known of it since the gateway started. Guarded by the registry's lock.</summary>
sealed class LiveNode(NodeRecord record, DateTimeOffset now)
{
    public NodeRecord Record { get; set; } = record;

    public NodeConnection? Connection { get; set; }

    public NodeReport? Report { get; set; }

    /// <summary>What it says of its workers.</summary>
    public IReadOnlyDictionary<string, WorkerReport> Workers { get; set; } = new Dictionary<string, WorkerReport>();

    public NodeState State { get; private set; } = NodeState.Away;

    public string Reason { get; private set; } = "not heard of since this gateway started";

    public DateTimeOffset Since { get; private set; } = now;

    public DateTimeOffset? LastSeen { get; set; }

    /// <summary>The same as <see cref="LastSeen"/> on the clock that nobody sets: leases are counted on it.</summary>
    public long LastSeenTimestamp { get; set; }

    /// <summary>When it was last asked to measure its links.</summary>
    public long LastProbeTimestamp { get; set; }

    public void Become(NodeState state, string reason, DateTimeOffset now) => (State, Reason, Since) = (state, reason, now);

    public NodeStatus Status() => new(Record, State, Reason, Since, LastSeen, Report) { Workers = Workers };

    public NodePeer AsPeer() => new(Record.Name, Record.Pin, Report?.Addresses ?? [], State == NodeState.Online);
}
