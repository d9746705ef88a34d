using System.Net;
using Formation.Inference.Cluster.Identity;
using Formation.Inference.Cluster.Nodes;
using Formation.Inference.Cluster.Workers;
using Formation.Inference.Node.Relays;

namespace Formation.Inference.Node.Workers;

/// <summary>
/// The workers of a node: starts those that the gateway orders, hands changes to those that run, and ends those that it orders no more. Safe to
/// use from any thread.
/// </summary>
public sealed class WorkerSupervisor : IAsyncDisposable
{
    /// <summary>Ports behind the node's own that workers may take, where that one is given.</summary>
    public const int Ports = 64;

    private readonly Lock _lock = new();
    private readonly Dictionary<string, Worker> _workers = new(StringComparer.Ordinal);
    private readonly Dictionary<string, WorkerReport> _refused = new(StringComparer.Ordinal);
    private readonly HashSet<Task> _endings = [];
    private readonly WorkerSupervisorOptions _options;
    private volatile WorkerWays _ways = WorkerWays.None;
    private long _orderedBytes;
    private bool _isDisposed;

    public WorkerSupervisor(WorkerSupervisorOptions options) => _options = options;

    /// <summary>After each change of what is reported; on any thread, handlers must not block.</summary>
    public event Action? Changed;

    /// <summary>Bytes of this node's memory that its workers take, as ordered.</summary>
    public long OrderedBytes => Volatile.Read(ref _orderedBytes);

    /// <summary>What is said of the workers.</summary>
    public IReadOnlyList<WorkerReport> Reports()
    {
        lock (_lock)
            return [.. _workers.Values.Select(worker => worker.Report).Concat(_refused.Values).OrderBy(report => report.Id, StringComparer.Ordinal)];
    }

    /// <summary>Carries out orders, in the place of all those before.</summary>
    public void Apply(IReadOnlyList<WorkerOrder> orders)
    {
        lock (_lock)
        {
            if (_isDisposed)
                return;
            foreach (var id in _workers.Keys.Where(id => orders.All(order => order.Id != id)).ToList())
                End(id);
            _refused.Clear();
            var bytes = 0L;
            // Those that run keep their memory; a new one gets what is left.
            foreach (var order in orders.OrderByDescending(order => _workers.ContainsKey(order.Id)))
            {
                bytes += order.MemoryBytes;
                if (_workers.TryGetValue(order.Id, out var worker))
                    worker.Follow(order);
                else if (bytes > _options.MemoryBytes)
                    Refuse(order, bytes);
                else
                    Start(order);
            }
            Volatile.Write(ref _orderedBytes, orders.Sum(order => order.MemoryBytes));
        }
        Changed?.Invoke();
    }

    /// <summary>Says which gateways relay, and where they are reached from this machine.</summary>
    /// <param name="gateways">All that are known.</param>
    /// <param name="holding">The keys of those that this node has a control stream to: through these others reach the workers.</param>
    public void UseRelays(IReadOnlyList<KnownGateway> gateways, IReadOnlyList<KeyPin> holding)
    {
        lock (_lock)
        {
            _ways = new WorkerWays(gateways, holding);
            foreach (var worker in _workers.Values)
                worker.Follow();
        }
        Changed?.Invoke();
    }

    /// <summary>Has a worker call back to a relay. One that is not here any more is not waited for long.</summary>
    public void Answer(string worker, RelayCall call)
    {
        lock (_lock)
            _workers.GetValueOrDefault(worker)?.Answer(call);
    }

    /// <summary>Ends all workers.</summary>
    public async ValueTask DisposeAsync()
    {
        List<Task> endings;
        lock (_lock)
        {
            _isDisposed = true;
            foreach (var id in _workers.Keys.ToList())
                End(id);
            endings = [.. _endings];
        }
        await Task.WhenAll(endings);
    }

    private void Start(WorkerOrder order)
    {
        _workers[order.Id] = new Worker(order, EndpointFor(), _options, () => _ways, () => Changed?.Invoke());
        _options.Progress($"Worker {order.Id[..8]}: {order.ModelId}, {order.Role.ToString().ToLowerInvariant()}{(order.Layers.Count > 0 ? $" with {order.Layers}" : "")}");
    }

    private void Refuse(WorkerOrder order, long bytes)
    {
        var missing = bytes - _options.MemoryBytes;
        _refused[order.Id] = new WorkerReport(order.Id, WorkerState.Failed)
        {
            Reason = $"this node gives {_options.MemoryBytes} bytes to models, and with this worker {bytes} would be taken: {missing} bytes are missing",
        };
    }

    // The end of a process takes a moment, and orders must not wait for it.
    private void End(string id)
    {
        _workers.Remove(id, out var worker);
        var ending = worker!.DisposeAsync().AsTask();
        _endings.Add(ending);
        ending.ContinueWith(
            ended =>
            {
                lock (_lock)
                    _endings.Remove(ended);
            },
            CancellationToken.None, TaskContinuationOptions.None, TaskScheduler.Default);
    }

    private IPEndPoint? EndpointFor()
    {
        if (_options.Listen is not { } listen)
            return null;
        if (listen.Port == 0)
            return listen;
        var taken = _workers.Values.Select(worker => worker.Port).ToHashSet();
        var port = Enumerable.Range(listen.Port + 1, Ports).First(port => !taken.Contains(port));
        return new IPEndPoint(listen.Address, port);
    }
}
