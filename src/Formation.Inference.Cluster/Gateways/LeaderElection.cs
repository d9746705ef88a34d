using Formation.Inference.Cluster.Identity;
using Formation.Inference.Storage;

namespace Formation.Inference.Cluster.Gateways;

/// <summary>
/// Leadership as a lease in the store that gateways share: whoever holds it renews it, and where it has run out, the first that asks gets it.
/// The holder stops deciding when it could not renew the lease in time, by its own clock and before others can have it: it counts from before
/// it asked. Safe to use from any thread.
/// </summary>
public sealed class LeaderElection : ILeadership, IAsyncDisposable
{
    /// <summary>How long a gateway that has stopped without a word still counts as the one that decides.</summary>
    public static readonly TimeSpan Lease = TimeSpan.FromSeconds(2);

    /// <summary>How often the lease is renewed or asked for.</summary>
    public static readonly TimeSpan Interval = TimeSpan.FromMilliseconds(500);

    private readonly Leadership _store;
    private readonly KeyPin _own;
    private readonly TimeProvider _clock;
    private readonly CancellationTokenSource _stop = new();
    private readonly ITimer _expiry;
    private readonly Lock _lock = new();
    private readonly Task _running;
    private volatile KeyPin? _leader;
    private long? _term;
    private long _asked;

    /// <param name="store">Where the lease is.</param>
    /// <param name="own">This gateway's key.</param>
    /// <param name="clock">Counts the lease.</param>
    public LeaderElection(Leadership store, KeyPin own, TimeProvider clock)
    {
        (_store, _own, _clock) = (store, own, clock);
        _expiry = clock.CreateTimer(_ => LookForExpiry(), null, Interval / 2, Interval / 2);
        _running = RunAsync();
    }

    public event Action? Changed;

    public long? Term
    {
        get
        {
            lock (_lock)
                return _term is { } term && _clock.GetElapsedTime(_asked) < Lease ? term : null;
        }
    }

    public KeyPin? Leader => _leader;

    /// <summary>Lets another gateway decide at once.</summary>
    public async ValueTask DisposeAsync()
    {
        _stop.Cancel();
        await _running;
        await _expiry.DisposeAsync();
        _stop.Dispose();
        try
        {
            await Task.Run(() => _store.Release(_own));
        }
        // Others have it when the lease has run out.
        catch (StorageException)
        {
        }
    }

    private async Task RunAsync()
    {
        using var timer = new PeriodicTimer(Interval, _clock);
        try
        {
            do
                await Task.Run(Ask, _stop.Token);
            while (await timer.WaitForNextTickAsync(_stop.Token));
        }
        catch (OperationCanceledException) when (_stop.IsCancellationRequested)
        {
        }
    }

    private void Ask()
    {
        var asked = _clock.GetTimestamp();
        try
        {
            var (term, leader, isHeld) = _store.TryHold(_own, Lease);
            _leader = leader;
            Become(isHeld ? term : null, asked);
        }
        // What is held is held until its lease runs out.
        catch (StorageException)
        {
        }
    }

    private void LookForExpiry()
    {
        lock (_lock)
        {
            if (_term is null || _clock.GetElapsedTime(_asked) < Lease)
                return;
        }
        Become(null, 0);
    }

    private void Become(long? term, long asked)
    {
        lock (_lock)
        {
            var before = _term;
            (_term, _asked) = (term, asked);
            if (before == term)
                return;
        }
        Changed?.Invoke();
    }
}
