using Formation.Inference.Cluster.Identity;
using Formation.Inference.Cluster.Nodes;
using Formation.Inference.Cluster.Workers;
using Formation.Inference.Engine.Stages;
using Formation.Inference.Node.Stages.Chain;
using Formation.Inference.Node.Stages.Transports;

namespace Formation.Inference.Node.Workers.Hosting;

/// <summary>
/// The stages that a head may use, as its newest order says. What was lost is offered once more where it may be there still, and then only when
/// nobody else comes; the gateway is told of it meanwhile. Safe to use from any thread.
/// </summary>
/// <param name="clock">For waits.</param>
/// <param name="lost">Told whom the head can't work with, each time that this changes.</param>
/// <param name="rank">Those that share the head's own layers with it and have this rank; 0 for the stages behind it.</param>
sealed class OrderedStages(TimeProvider clock, Action<IReadOnlyList<LostWorker>> lost, int rank = 0) : IStageProvider
{
    /// <summary>How long to wait for another stage before one that was lost is tried again.</summary>
    private static readonly TimeSpan Retry = TimeSpan.FromSeconds(1);

    private readonly Lock _lock = new();
    private readonly Dictionary<KeyPin, string> _condemned = [];
    private readonly HashSet<KeyPin> _triedAgain = [];
    private readonly Dictionary<KeyPin, string> _ids = [];
    private IReadOnlyList<WorkerEndpoint> _chain = [];
    private TaskCompletionSource _changed = new(TaskCreationOptions.RunContinuationsAsynchronously);

    /// <summary>Takes another order's stages in the place of those before.</summary>
    public void Follow(WorkerOrder order)
    {
        lock (_lock)
        {
            _chain = [.. order.Chain.Where(endpoint => endpoint.Rank == rank)];
            // A stage that leaves is in no order any more, and in use until another has taken its place.
            foreach (var endpoint in _chain)
                _ids[endpoint.Pin] = endpoint.Id;
            // One that left and came back is another process, with another key.
            foreach (var gone in _condemned.Keys.Where(pin => _chain.All(endpoint => endpoint.Pin != pin)).ToList())
                _condemned.Remove(gone);
            _triedAgain.IntersectWith(_chain.Select(endpoint => endpoint.Pin));
            _changed.SetResult();
            _changed = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        }
    }

    /// <summary>The worker that has or had this key, or null.</summary>
    public string? IdOf(PeerIdentity peer)
    {
        lock (_lock)
            return peer.Pin is { } pin ? _ids.GetValueOrDefault(pin) : null;
    }

    /// <summary>These work (again): what was said of them before does not count any more.</summary>
    public void Succeeded(IReadOnlyList<StageEndpoint> stages)
    {
        lock (_lock)
        {
            foreach (var pin in stages.Select(stage => stage.Identity.Pin).OfType<KeyPin>())
                _condemned.Remove(pin);
            _triedAgain.Clear();
        }
        Tell();
    }

    /// <summary>Whether the newest order has somebody else in the place of a stage.</summary>
    public bool HasOtherFor(StageEndpoint stage)
    {
        lock (_lock)
            return _chain.All(endpoint => endpoint.Pin != stage.Identity.Pin) && Cover(stage.Layers, IsGood) is not null;
    }

    /// <summary>Notes stages that fell silent, before anybody needs them again: another may be there by then.</summary>
    public void NoteSilent(IReadOnlyList<LostStage> losses)
    {
        foreach (var loss in losses.Where(loss => loss.IsUnreachable))
            Condemn(loss);
        Tell();
    }

    /// <inheritdoc/>
    public async ValueTask<IReadOnlyList<StageEndpoint>> ProvideAsync(
        LayerRange layers, IReadOnlyList<LostStage> lostStages, CancellationToken cancellationToken)
    {
        foreach (var stage in lostStages.Where(stage => !stage.IsLeaving))
            Condemn(stage);
        var leaving = lostStages.Where(stage => stage.IsLeaving).ToList();
        for (var triesLost = false; ; triesLost = true)
        {
            Task changed;
            lock (_lock)
            {
                if (Cover(layers, endpoint => IsGood(endpoint) && leaving.All(stage => stage.Endpoint.Identity.Pin != endpoint.Pin)) is { } found)
                    return found;
                // What works is not given up for what does not. A newer order may have yet another one.
                if (leaving.Sum(stage => stage.Endpoint.Layers.Count) == layers.Count)
                    return [];
                if (Cover(layers, IsGood) is { } withLeaving)
                    return withLeaving;
                if (triesLost && Cover(layers, _ => true) is { } again)
                    return again;
                changed = _changed.Task;
            }
            Tell();
            using var retry = new CancellationTokenSource(Retry, clock);
            using var either = CancellationTokenSource.CreateLinkedTokenSource(retry.Token, cancellationToken);
            await Task.WhenAny(changed, Task.Delay(Timeout.Infinite, either.Token));
            cancellationToken.ThrowIfCancellationRequested();
        }
    }

    private bool IsGood(WorkerEndpoint endpoint) => !_condemned.ContainsKey(endpoint.Pin);

    private void Condemn(LostStage stage)
    {
        if (stage.Endpoint.Identity.Pin is not { } pin)
            return;
        lock (_lock)
        {
            // A connection may break where both ends are well; dialling tells, and costs a millisecond.
            if (!stage.IsUnreachable && _triedAgain.Add(pin))
                return;
            _condemned[pin] = stage.Reason;
        }
    }

    private void Tell()
    {
        List<LostWorker> workers;
        lock (_lock)
            workers = [.. _chain.Where(endpoint => _condemned.ContainsKey(endpoint.Pin)).Select(endpoint => new LostWorker(endpoint.Id, _condemned[endpoint.Pin]))];
        lost(workers);
    }

    // Few stages, each in order: the first that fits at each place, and another where the rest does not fit behind it.
    private List<StageEndpoint>? Cover(LayerRange layers, Func<WorkerEndpoint, bool> isGood)
    {
        if (layers.Count == 0)
            return [];
        foreach (var endpoint in _chain.Where(endpoint => endpoint.Layers.First == layers.First && endpoint.Layers.End <= layers.End && isGood(endpoint)))
        {
            if (Cover(new LayerRange(endpoint.Layers.End, layers.End - endpoint.Layers.End), isGood) is not { } rest)
                continue;
            rest.Insert(0, new StageEndpoint(
                $"{endpoint.Node} with {endpoint.Layers}", endpoint.Layers.Range(), StageDialer.AddressOf(endpoint.Addresses), PeerIdentity.Of(endpoint.Pin))
            {
                // Where one of two neighbours can be dialled, no relay is needed between them.
                AcceptsLinks = endpoint.Addresses.Any(PeerAddress.IsDirect),
            });
            return rest;
        }
        return null;
    }
}
