using System.Threading.Channels;
using Formation.Inference.Cluster.Gateways;
using Formation.Inference.Cluster.Identity;
using Formation.Inference.Cluster.Nodes;
using Formation.Inference.Cluster.Placement;
using Formation.Inference.Cluster.Workers;
using Formation.Inference.Storage;

namespace Formation.Inference.Cluster.Deployments;

/// <summary>
/// Keeps deployments as they were asked for: looks at the nodes whenever one changes, lets the <see cref="Reconciler"/> decide, keeps what it
/// decided, and tells the nodes. Of several gateways the one that leads does so; the others follow what it decided. No token ever passes here. Safe
/// to use from any thread.
/// </summary>
public sealed class DeploymentController : IAsyncDisposable
{
    /// <summary>How long changes are gathered before they are looked at: many come together.</summary>
    private static readonly TimeSpan Gathering = TimeSpan.FromMilliseconds(20);

    /// <summary>How often to look where nothing changes: patience runs out, too.</summary>
    private static readonly TimeSpan LookInterval = TimeSpan.FromSeconds(1);

    // Held while something is decided and stored, which may take a while, and in front of the other one. Requests never wait for it.
    private readonly Lock _deciding = new();
    private readonly Lock _lock = new();
    private readonly SortedDictionary<string, StoredDeployment> _deployments = new(StringComparer.Ordinal);
    private readonly Channel<bool> _changes = Channel.CreateBounded<bool>(new BoundedChannelOptions(1) { FullMode = BoundedChannelFullMode.DropWrite });
    private readonly CancellationTokenSource _stop = new();
    private readonly NodeRegistry _registry;
    private readonly DeploymentStore _store;
    private readonly ILeadership _leadership;
    private readonly DecisionLog _log;
    private readonly Reconciler _reconciler;
    private readonly TimeProvider _clock;
    private readonly ITimer _looks;
    private readonly Task _running;
    private long _version;
    private long? _term;
    private TaskCompletionSource _changed = new(TaskCreationOptions.RunContinuationsAsynchronously);

    /// <param name="registry">The nodes.</param>
    /// <param name="store">What was decided before.</param>
    /// <param name="leadership">Whether this gateway decides.</param>
    /// <param name="log">Takes what was decided, in words.</param>
    /// <param name="policy">Decides where.</param>
    /// <param name="options">How patient it is.</param>
    /// <param name="clock">The clock.</param>
    public DeploymentController(
        NodeRegistry registry, DeploymentStore store, ILeadership leadership, DecisionLog log, IPlacementPolicy policy, ReconcilerOptions options,
        TimeProvider clock)
    {
        (_registry, _store, _leadership, _log) = (registry, store, leadership, log);
        _clock = clock;
        _reconciler = new Reconciler(policy, options, clock.GetUtcNow());
        TakeStored();
        // Before the first node registers: one that comes back must find its orders, or it would end its workers.
        Reconcile();
        registry.Changed += Look;
        leadership.Changed += Look;
        _looks = clock.CreateTimer(_ => Look(), null, LookInterval, LookInterval);
        _running = RunAsync();
    }

    /// <summary>Counts what changed.</summary>
    public long Version => Volatile.Read(ref _version);

    /// <summary>All deployments as they are now, ordered by their model.</summary>
    public IReadOnlyList<DeploymentStatus> List()
    {
        var view = View();
        lock (_lock)
            return [.. _deployments.Values.Select(stored => DeploymentStatus.Of(stored.Deployment, view))];
    }

    /// <summary>Whether this model is deployed.</summary>
    public bool IsDeployed(string modelId)
    {
        lock (_lock)
            return _deployments.ContainsKey(modelId);
    }

    /// <summary>The deployment of this model, or null.</summary>
    public DeploymentStatus? Find(string modelId) => Stored(modelId) is { } stored ? DeploymentStatus.Of(stored.Deployment, View()) : null;

    /// <summary>Ends when something has changed since a version.</summary>
    public async Task WaitForChangeAsync(long since, CancellationToken cancellationToken)
    {
        while (true)
        {
            Task changed;
            lock (_lock)
            {
                if (_version != since)
                    return;
                changed = _changed.Task;
            }
            await changed.WaitAsync(cancellationToken);
        }
    }

    /// <summary>What a deployment would look like, without making it.</summary>
    public PlacementResult Try(DeploymentSpec spec, DeployedModel model, IPlacementPolicy policy)
    {
        var view = View();
        lock (_lock)
        {
            var own = _deployments.GetValueOrDefault(spec.ModelId)?.Deployment.Workers.Select(worker => worker.Id).ToHashSet(StringComparer.Ordinal) ?? [];
            return policy.Place(model.Shape, spec.Placement, view.Offers(own, new HashSet<string>()));
        }
    }

    /// <summary>Deploys a model, or deploys it anew where it was asked for otherwise.</summary>
    /// <exception cref="StorageException">The store does not answer.</exception>
    public void Deploy(DeploymentSpec spec, DeployedModel model)
    {
        lock (_deciding)
        {
            // Another gateway may decide about it at the same moment; what the operator wants now comes behind that.
            StoredDeployment? known;
            long? version;
            Deployment deployment;
            do
            {
                TakeStored();
                known = Stored(spec.ModelId);
                deployment = new Deployment(spec, model, known?.Deployment.Created ?? _clock.GetUtcNow());
                version = _store.TrySave(deployment, known?.Version ?? 0);
            }
            while (version is null);
            Keep(new StoredDeployment(deployment, version.Value));
            Note(spec.ModelId, known is null ? "deployed" : "deployed-anew", "the operator asked for it");
        }
        Look();
    }

    /// <summary>Has a deployment placed again that was put to sleep; nothing where it is awake, or not there.</summary>
    public void Wake(string modelId)
    {
        if (Stored(modelId) is not { Deployment.Asleep: not null })
            return;
        lock (_deciding)
        {
            if (Stored(modelId) is not { Deployment.Asleep: not null } asleep)
                return;
            try
            {
                if (TryKeep(asleep.Deployment with { Asleep = null }, asleep.Version))
                    Note(modelId, "woken", "a request came for it");
            }
            // The request waits as long as it does for any model that is not ready, and the next one tries again.
            catch (StorageException error)
            {
                _registry.Log.Add(modelId, "not-woken", error.Message);
            }
        }
        Look();
    }

    /// <summary>Ends a deployment and its workers. False where there is none.</summary>
    /// <exception cref="StorageException">The store does not answer.</exception>
    public bool Undeploy(string modelId)
    {
        lock (_deciding)
        {
            if (!_store.Remove(modelId))
                return false;
            lock (_lock)
                _deployments.Remove(modelId);
            Note(modelId, "undeployed", "the operator asked for it");
        }
        Look();
        return true;
    }

    /// <summary>Takes over what other gateways have decided.</summary>
    /// <exception cref="StorageException">The store does not answer.</exception>
    public void Refresh()
    {
        lock (_deciding)
            TakeStored();
        Look();
    }

    public async ValueTask DisposeAsync()
    {
        _registry.Changed -= Look;
        _leadership.Changed -= Look;
        await _looks.DisposeAsync();
        _stop.Cancel();
        await _running;
        _stop.Dispose();
    }

    // Called under the registry's lock: it only leaves word.
    private void Look() => _changes.Writer.TryWrite(true);

    private async Task RunAsync()
    {
        try
        {
            await foreach (var _ in _changes.Reader.ReadAllAsync(_stop.Token))
            {
                await Task.Delay(Gathering, _clock, _stop.Token);
                TryReconcile();
            }
        }
        catch (OperationCanceledException) when (_stop.IsCancellationRequested)
        {
        }
    }

    // One look that fails (a full disk, a fault of this program) must not be the last one: nobody would replace what is lost any more.
    private void TryReconcile()
    {
        try
        {
            Reconcile();
        }
        catch (Exception error) when (error is not OutOfMemoryException)
        {
            _registry.Log.Add("", "not-reconciled", $"{error.GetType().Name}: {error.Message}");
        }
    }

    private void Reconcile()
    {
        lock (_deciding)
        {
            // Read once: a term that begins in between must not count as decided in.
            var now = _leadership.Term;
            if (now is { } term)
                Decide(term);
            else if (_term is not null)
                _registry.StopOrdering();
            _term = now;
        }
        lock (_lock)
        {
            _version++;
            _changed.SetResult();
            _changed = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        }
    }

    private void Decide(long term)
    {
        // What the one that led before has decided last is what there is.
        if (term != _term)
            TakeStored();
        var nodes = _registry.List();
        List<StoredDeployment> known;
        lock (_lock)
            known = [.. _deployments.Values];
        foreach (var stored in known)
        {
            var reasons = new List<(string Kind, string Reason)>();
            // What one deployment was given, the next one does not find free.
            var next = _reconciler.Step(stored.Deployment, ViewOf(nodes), (kind, reason) => reasons.Add((kind, reason)));
            if (DeploymentStore.Text(next) != DeploymentStore.Text(stored.Deployment) && !TryKeep(next, stored.Version))
                continue;
            reasons.ForEach(reason => Note(next.ModelId, reason.Kind, reason.Reason));
        }
        lock (_lock)
        {
            var deployments = _deployments.Values.Select(stored => stored.Deployment).ToList();
            _registry.Order(term, OrderBook.Write(deployments, ViewOf(nodes), [.. _registry.Gateways.Select(gateway => gateway.Pin)]));
        }
    }

    // Where another gateway was faster, its decision counts, and this one looks again.
    private bool TryKeep(Deployment next, long version)
    {
        if (_store.TrySave(next, version) is { } saved)
        {
            Keep(new StoredDeployment(next, saved));
            return true;
        }
        TakeStored();
        Look();
        return false;
    }

    private StoredDeployment? Stored(string modelId)
    {
        lock (_lock)
            return _deployments.GetValueOrDefault(modelId);
    }

    private void Keep(StoredDeployment stored)
    {
        lock (_lock)
            _deployments[stored.Deployment.ModelId] = stored;
    }

    private void TakeStored()
    {
        var stored = _store.Load();
        lock (_lock)
        {
            _deployments.Clear();
            foreach (var deployment in stored)
                _deployments[deployment.Deployment.ModelId] = deployment;
        }
    }

    private void Note(string modelId, string kind, string reason)
    {
        try
        {
            _log.Add(modelId, kind, reason);
        }
        // What was decided counts; what is lost is the line that tells of it.
        catch (StorageException error)
        {
            _registry.Log.Add(modelId, kind, $"{reason} (not kept: {error.Message})");
        }
    }

    private ClusterView View()
    {
        var nodes = _registry.List();
        lock (_lock)
            return ViewOf(nodes);
    }

    private ClusterView ViewOf(IReadOnlyList<NodeStatus> nodes) =>
        new(nodes, _deployments.Values.SelectMany(stored => stored.Deployment.Workers), _clock.GetUtcNow());
}
