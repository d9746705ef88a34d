using System.Collections.Concurrent;
using Formation.Inference.Cluster.Routing;

namespace Formation.Inference.Testing;

/// <summary>A directory that says what a test tells it.</summary>
sealed class ReplicaTable : IReplicaDirectory
{
    readonly Lock _lock = new();
    readonly Dictionary<string, ReplicaSet> _sets = [];
    TaskCompletionSource _changed = new(TaskCreationOptions.RunContinuationsAsynchronously);
    long _version;
    int _waiting;

    /// <summary>Requests that wait for a change.</summary>
    public int Waiting => Volatile.Read(ref _waiting);

    public bool IsDeployed(string modelId) => Find(modelId) is not null;

    public ReplicaSet? Find(string modelId)
    {
        lock (_lock)
            return _sets.GetValueOrDefault(modelId);
    }

    /// <summary>Models that were to be loaded again, in order.</summary>
    public ConcurrentQueue<string> Woken { get; } = new();

    public void Wake(string modelId) => Woken.Enqueue(modelId);

    /// <summary>Takes the place of what was known of a model.</summary>
    public void Set(string modelId, params IEnumerable<Replica> replicas) => Set(modelId, new ReplicaSet(0, [.. replicas]));

    public void Set(string modelId, ReplicaSet set)
    {
        lock (_lock)
        {
            _sets[modelId] = set with { Version = ++_version };
            _changed.TrySetResult();
            _changed = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        }
    }

    public void Remove(string modelId)
    {
        Set(modelId);
        lock (_lock)
            _sets.Remove(modelId);
    }

    public async Task WaitForChangeAsync(string modelId, long version, CancellationToken cancellationToken)
    {
        Task changed;
        lock (_lock)
        {
            if ((_sets.GetValueOrDefault(modelId)?.Version ?? 0) != version)
                return;
            changed = _changed.Task;
        }

        Interlocked.Increment(ref _waiting);
        try
        {
            await changed.WaitAsync(cancellationToken);
        }
        finally
        {
            Interlocked.Decrement(ref _waiting);
        }
    }
}
