using Formation.Inference.Storage;

namespace Formation.Inference.Cluster.Gateways;

/// <summary>
/// Tells a gateway that another one changed what they share: nodes, deployments, gateways, decisions. Once for several changes that come together,
/// and once more whenever something may have been missed: at the beginning, and after the connection was lost. Where nobody else can have the
/// database it never says anything. Subscribe first and load then, and nothing is missed.
/// </summary>
public sealed class StoreChanges : IAsyncDisposable
{
    private static readonly TimeSpan ShortestPause = TimeSpan.FromMilliseconds(100);
    private static readonly TimeSpan LongestPause = TimeSpan.FromSeconds(5);

    private readonly Database _database;
    private readonly TimeProvider _clock;
    private readonly CancellationTokenSource _stop = new();
    private Task _listening = Task.CompletedTask;
    private TimeSpan _pause = ShortestPause;

    /// <param name="database">What is shared; it stays the caller's, and is to outlive this.</param>
    /// <param name="clock">The clock of the pauses between two attempts to connect.</param>
    public StoreChanges(Database database, TimeProvider clock) => (_database, _clock) = (database, clock);

    /// <summary>Something changed. Called on any thread, one call at a time; it must neither throw nor take long.</summary>
    public event Action? Changed;

    /// <summary>Begins to listen. Once, when those that want to hear have subscribed: its first word is for them.</summary>
    public void Start() => _listening = Task.Run(ListenAsync);

    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        await _listening;
        _stop.Dispose();
    }

    private async Task ListenAsync()
    {
        try
        {
            while (true)
            {
                try
                {
                    await _database.ListenAsync(Tell, _stop.Token);
                }
                catch (StorageException)
                {
                }
                await Task.Delay(_pause, _clock, _stop.Token);
                _pause = _pause * 2 < LongestPause ? _pause * 2 : LongestPause;
            }
        }
        catch (OperationCanceledException) when (_stop.IsCancellationRequested)
        {
        }
    }

    private void Tell()
    {
        _pause = ShortestPause;
        Changed?.Invoke();
    }
}
