using System.Threading.Channels;
using Formation.Inference.Cluster.Deployments;
using Formation.Inference.Cluster.Nodes;

namespace Formation.Inference.Cluster.Gateways;

/// <summary>
/// Keeps a gateway at one with the others on the same store: says that it lives, learns of them, and takes over what they decide, at once where
/// the store tells of a change, and every few seconds in case it does not. While the store is away, everything stays as it was.
/// </summary>
public sealed class GatewaySync : IAsyncDisposable
{
    /// <summary>How often to look where nothing is told.</summary>
    public static readonly TimeSpan Interval = TimeSpan.FromSeconds(5);

    private readonly Channel<bool> _looks = Channel.CreateBounded<bool>(new BoundedChannelOptions(1) { FullMode = BoundedChannelFullMode.DropWrite });
    private readonly CancellationTokenSource _stop = new();
    private readonly KnownGateway _own;
    private readonly GatewayStore _store;
    private readonly StoreChanges _changes;
    private readonly NodeRegistry _registry;
    private readonly DeploymentController _controller;
    private readonly ITimer _timer;
    private readonly TimeProvider _clock;
    private readonly Task _running;
    private long? _announced;

    /// <param name="own">This gateway, as others and nodes are to know it.</param>
    /// <param name="store">The gateways.</param>
    /// <param name="changes">Tells of changes; belongs to the caller.</param>
    /// <param name="registry">The nodes of this gateway.</param>
    /// <param name="controller">Its deployments.</param>
    /// <param name="clock">The clock.</param>
    public GatewaySync(
        KnownGateway own, GatewayStore store, StoreChanges changes, NodeRegistry registry, DeploymentController controller, TimeProvider clock)
    {
        (_own, _store, _changes, _registry, _controller, _clock) = (own, store, changes, registry, controller, clock);
        changes.Changed += Look;
        _timer = clock.CreateTimer(_ => Look(), null, TimeSpan.Zero, Interval);
        _running = RunAsync();
    }

    public async ValueTask DisposeAsync()
    {
        _changes.Changed -= Look;
        await _timer.DisposeAsync();
        _stop.Cancel();
        await _running;
        _stop.Dispose();
    }

    private void Look() => _looks.Writer.TryWrite(true);

    private async Task RunAsync()
    {
        try
        {
            await foreach (var _ in _looks.Reader.ReadAllAsync(_stop.Token))
                await Task.Run(TrySync, _stop.Token);
        }
        catch (OperationCanceledException) when (_stop.IsCancellationRequested)
        {
        }
    }

    // One look that fails must not be the last one.
    private void TrySync()
    {
        try
        {
            // Its own word is a change that the others are told of; looking at theirs must not be answered with another one.
            if (_announced is not { } announced || _clock.GetElapsedTime(announced) >= Interval)
            {
                _store.Announce(_own);
                _announced = _clock.GetTimestamp();
            }
            _registry.SetGateways([_own, .. _store.List(GatewayStore.ForgottenAfter).Select(seen => seen.Gateway).Where(gateway => gateway.Pin != _own.Pin)]);
            _registry.Refresh();
            _controller.Refresh();
        }
        catch (Exception error) when (error is not OutOfMemoryException)
        {
            _registry.Log.Add("", "not-in-step", $"what other gateways decide is not seen: {error.Message}");
        }
    }
}
