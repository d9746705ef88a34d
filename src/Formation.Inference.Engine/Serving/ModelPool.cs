using Microsoft.Extensions.Logging;

namespace Formation.Inference.Engine.Serving;

/// <summary>
/// The models of this process under one memory budget. The first request loads a model on a thread of its own; where room is needed, the
/// idle model that was used longest ago is unloaded. Models come and go while requests run. Safe from any thread.
/// </summary>
public sealed partial class ModelPool : IModelCatalog, IAsyncDisposable
{
    readonly ModelPoolOptions _options;
    readonly MeasureModel _measure;
    readonly LoadModel _load;
    readonly EngineMetrics _metrics;
    readonly TimeProvider _clock;
    readonly ILoggerFactory _loggers;
    readonly ILogger _logger;
    readonly Lock _lock = new();
    readonly Dictionary<string, ModelSlot> _slots = new(StringComparer.Ordinal);
    readonly Dictionary<string, string> _aliases = new(StringComparer.Ordinal);
    readonly HashSet<Task> _endings = [];
    long _reservedBytes;
    long _lentBytes;
    bool _isStopping;

    /// <param name="options">Budgets and limits.</param>
    /// <param name="measure">Reads a model's header.</param>
    /// <param name="load">Loads a model.</param>
    /// <param name="metrics">The instruments of all engines.</param>
    /// <param name="clock">The clock.</param>
    /// <param name="loggers">Makes the logs of pool and engines.</param>
    public ModelPool(
        ModelPoolOptions options, MeasureModel measure, LoadModel load, EngineMetrics metrics, TimeProvider clock, ILoggerFactory loggers)
    {
        (_options, _measure, _load, _metrics, _clock, _loggers) = (options, measure, load, metrics, clock, loggers);
        _logger = loggers.CreateLogger<ModelPool>();
    }

    /// <summary>Bytes of the budget that models take now.</summary>
    public long ReservedBytes
    {
        get
        {
            lock (_lock)
                return _reservedBytes;
        }
    }

    /// <summary>Bytes of the budget that others in this machine use, and models do not get: those that are loaded stay.</summary>
    public long LentBytes
    {
        get => Volatile.Read(ref _lentBytes);
        set => Volatile.Write(ref _lentBytes, value);
    }

    /// <summary>Adds a model, not loaded yet.</summary>
    /// <param name="id">The id that requests name.</param>
    /// <param name="source">Where it is.</param>
    /// <param name="created">When its weights were last written.</param>
    /// <returns>False where the id is taken.</returns>
    public bool Add(string id, ModelSource source, DateTimeOffset created)
    {
        lock (_lock)
            return !_aliases.ContainsKey(id) && _slots.TryAdd(id, new ModelSlot(id, source, created));
    }

    /// <summary>Takes a model out. Requests that use it finish first; its aliases go with it.</summary>
    /// <returns>False where there is none of this id.</returns>
    public bool Remove(string id)
    {
        lock (_lock)
        {
            if (!_slots.Remove(id, out var slot))
                return false;
            foreach (var (alias, _) in _aliases.Where(alias => alias.Value == id).ToList())
                _aliases.Remove(alias);
            slot.IsRemoved = true;
            slot.CancelLoad?.Cancel();
            if (slot.Leases == 0)
                End(slot);
            return true;
        }
    }

    /// <summary>Gives a model a second id; an alias that exists is moved.</summary>
    /// <returns>False where the alias is a model's own id, or there is no such model.</returns>
    public bool SetAlias(string alias, string id)
    {
        lock (_lock)
        {
            if (_slots.ContainsKey(alias) || !_slots.ContainsKey(id))
                return false;
            _aliases[alias] = id;
            return true;
        }
    }

    /// <summary>Whether this id is a further name of a model, not its own.</summary>
    public bool IsAlias(string id)
    {
        lock (_lock)
            return _aliases.ContainsKey(id);
    }

    /// <summary>Takes a further name away; the model and its requests stay.</summary>
    /// <returns>False where there is no such alias.</returns>
    public bool RemoveAlias(string alias)
    {
        lock (_lock)
            return _aliases.Remove(alias);
    }

    public IReadOnlyList<ModelDescription> List()
    {
        lock (_lock)
            return _slots.Values.Select(slot => slot.Describe(slot.Id))
                .Concat(_aliases.Select(alias => _slots[alias.Value].Describe(alias.Key)))
                .OrderBy(model => model.Id, StringComparer.Ordinal)
                .ToList();
    }

    public ModelDescription? Find(string modelId)
    {
        lock (_lock)
            return FindSlot(modelId)?.Describe(modelId);
    }

    /// <summary>Loads a model ahead of its first request.</summary>
    /// <returns>Null when it is ready, else why it is not.</returns>
    public async Task<GenerationError?> LoadAsync(string modelId, CancellationToken cancellationToken)
    {
        var (lease, error) = await AcquireAsync(modelId, cancellationToken);
        lease?.Dispose();
        return error;
    }

    /// <summary>Takes no more requests, and finishes those that run, up to a limit.</summary>
    public async Task StopAsync(TimeSpan limit)
    {
        List<Task> endings;
        lock (_lock)
        {
            _isStopping = true;
            foreach (var slot in _slots.Values)
                slot.CancelLoad?.Cancel();
            endings =
            [
                .. _endings,
                .. _slots.Values.Select(slot => slot.Load).OfType<Task>(),
                .. _slots.Values.Select(slot => slot.Loaded?.Engine.StopAsync(limit)).OfType<Task>(),
            ];
        }

        await Task.WhenAll(endings);
    }

    /// <summary>Ends all engines and frees their memory.</summary>
    public async ValueTask DisposeAsync()
    {
        await StopAsync(TimeSpan.Zero);
        List<Task> endings;
        lock (_lock)
        {
            foreach (var slot in _slots.Values)
                End(slot);
            endings = [.. _endings];
        }

        await Task.WhenAll(endings);
    }

    /// <summary>Waits until a model is loaded, and keeps it loaded until the lease is disposed.</summary>
    /// <returns>A lease, or why there is none.</returns>
    internal async Task<(ModelLease? Lease, GenerationError? Error)> AcquireAsync(string modelId, CancellationToken cancellationToken)
    {
        while (true)
        {
            ModelSlot slot;
            Task<GenerationError?> load;
            lock (_lock)
            {
                if (_isStopping)
                    return (null, EngineErrors.ShuttingDown());
                if (FindSlot(modelId) is not { } found)
                    return (null, EngineErrors.ModelNotFound(modelId));
                slot = found;
                if (slot.Loaded is { Engine.IsFaulted: false } loaded)
                {
                    slot.Leases++;
                    return (new ModelLease(loaded, () => Release(slot)), null);
                }

                if (RememberedFailure(slot) is { } failure)
                    return (null, failure);
                if (slot.WaitingRequests >= _options.MaxRequestsPerLoad)
                    return (null, EngineErrors.LoadCrowded(modelId, slot.WaitingRequests, _options.BusyRetry));
                load = slot.Load ??= BeginLoad(slot);
                slot.WaitingRequests++;
            }

            try
            {
                if (await load.WaitAsync(cancellationToken) is { } error)
                    return (null, error);
            }
            finally
            {
                lock (_lock)
                    slot.WaitingRequests--;
            }
        }
    }

    ModelSlot? FindSlot(string modelId) => _slots.GetValueOrDefault(_aliases.GetValueOrDefault(modelId, modelId));

    GenerationError? RememberedFailure(ModelSlot slot)
    {
        if (slot.Failure is null)
            return null;
        var left = _options.FailureMemory - _clock.GetElapsedTime(slot.FailedAt);
        return left > TimeSpan.Zero ? slot.Failure with { RetryAfter = left } : null;
    }

    void Release(ModelSlot slot)
    {
        lock (_lock)
        {
            slot.Leases--;
            slot.LastUsed = _clock.GetTimestamp();
            if (slot is { IsRemoved: true, Leases: 0 })
                End(slot);
        }
    }
}
