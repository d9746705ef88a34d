namespace Formation.Inference.Cluster.Nodes;

/// <summary>What happened to nodes, newest last, for people: a bounded number, since this process started. Safe to use from any thread.</summary>
public sealed class NodeEventLog(TimeProvider clock)
{
    public const int Capacity = 2_000;

    private readonly Lock _lock = new();
    private readonly Queue<NodeEvent> _events = new();
    private NodeEvent? _newest;

    /// <summary>Notes what happened now. The same a second time in a row is left out: who tries on and on must not push out the rest.</summary>
    /// <param name="node">Name of the node; empty where it has none.</param>
    /// <param name="kind">One word.</param>
    /// <param name="reason">Why, in words.</param>
    public void Add(string node, string kind, string reason)
    {
        var entry = new NodeEvent(clock.GetUtcNow(), node, kind, reason);
        lock (_lock)
        {
            if (_newest is { } newest && (newest.Node, newest.Kind, newest.Reason) == (node, kind, reason))
                return;
            _newest = entry;
            if (_events.Count == Capacity)
                _events.Dequeue();
            _events.Enqueue(entry);
        }
    }

    /// <summary>The newest events, oldest of them first.</summary>
    /// <param name="node">Of this node only, or null for all.</param>
    /// <param name="limit">How many at most.</param>
    public IReadOnlyList<NodeEvent> Newest(string? node, int limit)
    {
        lock (_lock)
            return [.. _events.Where(entry => node is null || entry.Node == node).TakeLast(limit)];
    }
}
