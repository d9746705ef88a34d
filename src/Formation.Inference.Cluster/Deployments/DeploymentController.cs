using System.Threading.Channels;
using Formation.Inference.Cluster.Identity;
using Formation.Inference.Cluster.Nodes;
using Formation.Inference.Cluster.Placement;
using Formation.Inference.Cluster.Workers;

namespace Formation.Inference.Cluster.Deployments;

/// <summary>
/// Keeps deployments as they were asked for: looks at the nodes whenever one changes, lets the <see cref="Reconciler"/> decide, keeps what it
/// decided, and tells the nodes. No token ever passes here. Safe to use from any thread.
/// </summary>
public sealed class DeploymentController : IAsyncDisposable
{
    /// <summary>How long changes are gathered before they are looked at: many come together.</summary>
    private static readonly TimeSpan Gathering = TimeSpan.FromMilliseconds(20);

    /// <summary>How often to look where nothing changes: patience runs out, too.</summary>
    private static readonly TimeSpan LookInterval = TimeSpan.FromSeconds(1);

    private readonly Lock _lock = new();
    private readonly SortedDictionary<string, Deployment> _deployments = new(StringComparer.Ordinal);
    private readonly HashSet<string> _ordered = new(StringComparer.Ordinal);
    private readonly Channel<bool> _changes = Channel.CreateBounded<bool>(new BoundedChannelOptions(1) { FullMode = BoundedChannelFullMode.DropWrite });
    private readonly CancellationTokenSource _stop = new();
    private readonly NodeRegistry _registry;
    private readonly DeploymentStore _store;
    private readonly Reconciler _reconciler;
    private readonly TimeProvider _clock;
    private readonly ITimer _looks;
    private readonly Task _running;
    private long _version;
    private TaskCompletionSource _changed = new(TaskCreationOptions.RunContinuationsAsynchronously);

    /// <param name="registry">The nodes.</param>
    /// <param name="store">What was decided before.</param>
    /// <param name="policy">Decides where.</param>
    /// <param name="options">How patient it is.</param>
    /// <param name="clock">The clock.</param>
    public DeploymentController(NodeRegistry registry, DeploymentStore store, IPlacementPolicy policy, ReconcilerOptions options, TimeProvider clock)
    {
        _registry = registry;
        _store = store;
        _clock = clock;
        _reconciler = new Reconciler(policy, options, clock.GetUtcNow());
        foreach (var (deployment, _) in store.Load())
            _deployments[deployment.ModelId] = deployment;
        // Before the first node registers: one that comes back must find its orders, or it would end its workers.
        Reconcile();
        registry.Changed += Look;
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
            return [.. _deployments.Values.Select(deployment => DeploymentStatus.Of(deployment, view))];
    }

    /// <summary>Whether this model is deployed.</summary>
    public bool IsDeployed(string modelId)
    {
        lock (_lock)
            return _deployments.ContainsKey(modelId);
    }

    /// <summary>The deployment of this model, or null.</summary>
    public DeploymentStatus? Find(string modelId)
    {
        Deployment? deployment;
        lock (_lock)
            deployment = _deployments.GetValueOrDefault(modelId);
        return deployment is null ? null : DeploymentStatus.Of(deployment, View());
    }

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
            var own = _deployments.GetValueOrDefault(spec.ModelId)?.Workers.Select(worker => worker.Id).ToHashSet(StringComparer.Ordinal) ?? [];
            return policy.Place(model.Shape, spec.Placement, view.Offers(own, new HashSet<string>()));
        }
    }

    /// <summary>Deploys a model, or deploys it anew where it was asked for otherwise.</summary>
    public void Deploy(DeploymentSpec spec, DeployedModel model)
    {
        lock (_lock)
        {
            var known = _deployments.GetValueOrDefault(spec.ModelId);
            _deployments[spec.ModelId] = new Deployment(spec, model, known?.Created ?? _clock.GetUtcNow());
            _registry.Log.Add(spec.ModelId, known is null ? "deployed" : "deployed-anew", "the operator asked for it");
            _store.Save(_deployments[spec.ModelId]);
        }
        Look();
    }

    /// <summary>Has a deployment placed again that was put to sleep; nothing where it is awake, or not there.</summary>
    public void Wake(string modelId)
    {
        lock (_lock)
        {
            if (_deployments.GetValueOrDefault(modelId) is not { Asleep: not null } asleep)
                return;
            _deployments[modelId] = asleep with { Asleep = null };
            _registry.Log.Add(modelId, "woken", "a request came for it");
            _store.Save(_deployments[modelId]);
        }
        Look();
    }

    /// <summary>Ends a deployment and its workers. False where there is none.</summary>
    public bool Undeploy(string modelId)
    {
        lock (_lock)
        {
            if (!_deployments.Remove(modelId))
                return false;
            _store.Remove(modelId);
            _registry.Log.Add(modelId, "undeployed", "the operator asked for it");
        }
        Look();
        return true;
    }

    public async ValueTask DisposeAsync()
    {
        _registry.Changed -= Look;
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
        var nodes = _registry.List();
        lock (_lock)
        {
            foreach (var deployment in _deployments.Values.ToList())
            {
                // What one deployment was given, the next one does not find free.
                var view = ViewOf(nodes);
                var next = _reconciler.Step(deployment, view, (kind, reason) => _registry.Log.Add(deployment.ModelId, kind, reason));
                if (DeploymentStore.Text(next) == DeploymentStore.Text(deployment))
                    continue;
                _store.Save(next);
                _deployments[deployment.ModelId] = next;
            }
            Order(ViewOf(nodes));
            _version++;
            _changed.SetResult();
            _changed = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        }
    }

    private void Order(ClusterView view)
    {
        var orders = OrderBook.Write(_deployments.Values, view, [.. _registry.Gateways.Select(gateway => gateway.Pin)]);
        foreach (var node in orders.Select(order => order.Key).Union(_ordered, StringComparer.Ordinal).ToList())
        {
            _registry.SetOrders(node, [.. orders[node]]);
            _ordered.Add(node);
        }
    }

    private ClusterView View()
    {
        var nodes = _registry.List();
        lock (_lock)
            return ViewOf(nodes);
    }

    private ClusterView ViewOf(IReadOnlyList<NodeStatus> nodes) =>
        new(nodes, _deployments.Values.SelectMany(deployment => deployment.Workers), _clock.GetUtcNow());
}
