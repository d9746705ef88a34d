using Formation.Inference.Cluster.Identity;
using Formation.Inference.Cluster.Nodes;
using Formation.Inference.Cluster.Nodes.Control;
using Formation.Inference.Cluster.Nodes.Control.Wire;

namespace Formation.Inference.Node.Agent;

/// <summary>What a node has with one gateway: a control stream, and where it ends, the next one. What the gateway said last outlives the stream.</summary>
/// <param name="options">What the node works with.</param>
/// <param name="gateway">The gateway's key.</param>
sealed class GatewayTie(NodeAgentOptions options, KeyPin gateway)
{
    private readonly Backoff _backoff = new(options.Random);
    private volatile bool _isOnline;
    private string? _lastTrouble;

    public KeyPin Gateway => gateway;

    /// <summary>Whether the gateway has taken the node in, on a stream that still stands.</summary>
    public bool IsOnline => _isOnline;

    /// <summary>Those that the node may speak with, as this gateway said last; null before it said anything.</summary>
    public IReadOnlyList<NodePeer>? Peers { get; set; }

    /// <summary>Whether this gateway says that the operator wants no new work here.</summary>
    public bool IsDraining { get; set; }

    /// <summary>Where the gateway is reached from here, best first; asked before each round of tries.</summary>
    public required Func<IReadOnlyList<string>> Urls { get; init; }

    /// <summary>What to say of this node to this gateway.</summary>
    public required Func<NodeReport> Report { get; init; }

    /// <summary>The gateway has taken the node in at this URL.</summary>
    public required Action<Uri, Welcome> Welcomed { get; init; }

    /// <summary>The gateway says something.</summary>
    public required Action<GatewayMessage> Received { get; init; }

    /// <summary>The stream has ended.</summary>
    public required Action Parted { get; init; }

    /// <summary>Keeps to the gateway until the node stops.</summary>
    /// <returns>Why this gateway does not want the node, for which trying again can't help; null where the node stops.</returns>
    public async Task<Refusal?> RunAsync(CancellationToken stop)
    {
        try
        {
            while (true)
            {
                foreach (var url in Urls())
                    while (await TryAsync(new Uri(url), stop))
                        await Task.Delay(_backoff.Next(), options.Clock, stop);
                // All ways to the gateway are tried before the node waits: the next one may lead there.
                await Task.Delay(_backoff.Next(), options.Clock, stop);
            }
        }
        catch (OperationCanceledException) when (stop.IsCancellationRequested)
        {
            return null;
        }
        catch (NodeRefusedException refused) when (refused.Refusal.IsFinal)
        {
            return refused.Refusal;
        }
    }

    /// <returns>Whether the gateway was reached there and took the node in, so that this way is the first to try again.</returns>
    private async Task<bool> TryAsync(Uri url, CancellationToken stop)
    {
        var welcomed = false;
        using var link = new GatewayLink(options.Identity, url, gateway, options.Clock);
        var session = new ControlSession(link, Report, options.Workers, options.ReportInterval, options.Clock)
        {
            Welcomed = message =>
            {
                welcomed = true;
                _backoff.Reset();
                _lastTrouble = null;
                _isOnline = true;
                IsDraining = false;
                Welcomed(url, message);
            },
            Received = Received,
        };
        try
        {
            await session.RunAsync(stop);
        }
        catch (NodeRefusedException refused) when (!refused.Refusal.IsFinal)
        {
            Trouble($"The gateway at {url} ended the connection: {refused.Message}");
        }
        catch (GatewayUnreachableException unreachable)
        {
            Trouble(unreachable.Message);
        }
        finally
        {
            _isOnline = false;
            if (welcomed)
                Parted();
        }
        stop.ThrowIfCancellationRequested();
        return welcomed;
    }

    // A gateway that stays away is one line, not one for each try.
    private void Trouble(string message)
    {
        if (message != _lastTrouble)
            options.Progress($"{message} Trying again.");
        _lastTrouble = message;
    }
}
