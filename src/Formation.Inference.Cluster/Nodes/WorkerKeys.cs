using Formation.Inference.Cluster.Identity;
using Formation.Inference.Cluster.Workers;

namespace Formation.Inference.Cluster.Nodes;

/// <summary>Whose keys are workers', as their nodes say. A key belongs to whoever named it first: nobody draws another one's calls to himself.</summary>
internal sealed class WorkerKeys
{
    private readonly Dictionary<KeyPin, (string Node, string Worker)> _holders = [];

    /// <summary>The worker with this key and its node, or null.</summary>
    public (string Node, string Worker)? Find(KeyPin pin) => _holders.TryGetValue(pin, out var holder) ? holder : null;

    /// <summary>Takes what a node says of its workers, in the place of what it said before.</summary>
    public void Note(string node, IEnumerable<WorkerReport> workers)
    {
        Forget(node);
        foreach (var report in workers)
            if (report.Pin is { } pin)
                _holders.TryAdd(pin, (node, report.Id));
    }

    /// <summary>Forgets a node's workers.</summary>
    public void Forget(string node)
    {
        foreach (var pin in _holders.Where(entry => entry.Value.Node == node).Select(entry => entry.Key).ToList())
            _holders.Remove(pin);
    }
}
