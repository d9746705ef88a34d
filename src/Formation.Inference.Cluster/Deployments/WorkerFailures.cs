namespace Formation.Inference.Cluster.Deployments;

/// <summary>How often workers of a model failed on a node of late. Used by one thread.</summary>
internal sealed class WorkerFailures(TimeSpan memory)
{
    private readonly Dictionary<(string Model, string Node), List<DateTimeOffset>> _failures = [];

    /// <summary>Notes one, and says how many there were, this one included.</summary>
    public int Add(string model, string node, DateTimeOffset now)
    {
        var times = Recent(model, node, now);
        times.Add(now);
        return times.Count;
    }

    /// <summary>How many there were of late.</summary>
    public int Count(string model, string node, DateTimeOffset now) => Recent(model, node, now).Count;

    /// <summary>The nodes on which a model's workers failed at least so often of late.</summary>
    public IReadOnlySet<string> Nodes(string model, int times, DateTimeOffset now) =>
        _failures.Keys.Where(key => key.Model == model).Select(key => key.Node).Where(node => Count(model, node, now) >= times).ToHashSet(StringComparer.Ordinal);

    private List<DateTimeOffset> Recent(string model, string node, DateTimeOffset now)
    {
        if (!_failures.TryGetValue((model, node), out var times))
            _failures[(model, node)] = times = [];
        times.RemoveAll(time => now - time > memory);
        return times;
    }
}
