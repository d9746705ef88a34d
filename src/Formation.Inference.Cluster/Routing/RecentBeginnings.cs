namespace Formation.Inference.Cluster.Routing;

/// <summary>Which replica had a prompt with a certain beginning last. The oldest knowledge gives way to new.</summary>
internal sealed class RecentBeginnings(int capacity = 16 * 1024)
{
    private readonly Dictionary<ulong, LinkedListNode<(ulong Beginning, string Replica)>> _nodes = [];
    private readonly LinkedList<(ulong Beginning, string Replica)> _order = [];

    public int Count => _nodes.Count;

    public string? Find(ulong beginning) => _nodes.TryGetValue(beginning, out var node) ? node.Value.Replica : null;

    public void Note(ulong beginning, string replica)
    {
        if (_nodes.TryGetValue(beginning, out var known))
            _order.Remove(known);
        else if (_nodes.Count >= capacity)
        {
            _nodes.Remove(_order.First!.Value.Beginning);
            _order.RemoveFirst();
        }
        _nodes[beginning] = _order.AddLast((beginning, replica));
    }
}
