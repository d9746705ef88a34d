using Formation.Inference.Cluster.Identity;
using Formation.Inference.Cluster.Relays;

namespace Formation.Inference.Node.Relays;

/// <summary>A gateway's request to call back.</summary>
/// <param name="Gateway">The key of the gateway.</param>
/// <param name="Ticket">What to say there.</param>
public sealed record RelayCall(KeyPin Gateway, byte[] Ticket)
{
    /// <summary>Whether it can be answered at all.</summary>
    public bool IsWellFormed => Ticket is { Length: RelayProtocol.TicketBytes } && Gateway is not null;
}

/// <summary>
/// Where those come in who reach this process through a relay: it dials out to the relay, and hands on what that joins it to. Safe to use from any thread.
/// </summary>
/// <param name="relays">Calls back.</param>
public sealed class RelayDoor(RelayDialer relays) : IDisposable
{
    /// <summary>Calls that are answered at once; a gateway that asks for more has too few limits of its own.</summary>
    private const int MostAnswers = 64;

    private readonly CancellationTokenSource _stop = new();
    private volatile Action<RelayedConnection>? _accept;
    private int _answering;

    /// <summary>From here on calls are answered.</summary>
    /// <param name="accept">Gets each connection, and owns it; on any thread, must not block.</param>
    public void Open(Action<RelayedConnection> accept) => _accept = accept;

    /// <summary>Answers a call. Returns at once; that it failed is for the one who called to see.</summary>
    public void Answer(RelayCall call)
    {
        if (_accept is { } accept && call.IsWellFormed)
            _ = AnswerAsync(call, accept);
    }

    public void Dispose()
    {
        _accept = null;
        _stop.Cancel();
    }

    private async Task AnswerAsync(RelayCall call, Action<RelayedConnection> accept)
    {
        try
        {
            if (Interlocked.Increment(ref _answering) <= MostAnswers)
                accept(await relays.AnswerAsync(call.Gateway, call.Ticket, _stop.Token));
        }
        catch (Exception failed) when (failed is IOException or OperationCanceledException)
        {
        }
        finally
        {
            Interlocked.Decrement(ref _answering);
        }
    }
}
