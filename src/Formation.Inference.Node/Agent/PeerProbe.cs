using Formation.Inference.Cluster.Identity;
using Formation.Inference.Cluster.Nodes;
using Formation.Inference.Node.Inventory;
using Formation.Inference.Node.Relays;

namespace Formation.Inference.Node.Agent;

/// <summary>Measures the ways between nodes, over connections of their own that are secured as all others are.</summary>
public static class PeerProbe
{
    /// <summary>The name of the protocol (ALPN); what is said is that of <see cref="LinkProbe"/>.</summary>
    public const string Protocol = "formation-probe/1";

    /// <summary>Longer than a probe of a slow link takes.</summary>
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);

    /// <summary>Measures the way to a peer.</summary>
    /// <param name="relays">Reaches a peer that can't be dialled, or null.</param>
    /// <exception cref="PeerUnreachableException">It can't be reached, breaks off, or answers with something else.</exception>
    public static async Task<LinkReport> MeasureAsync(
        NodeIdentity identity, NodePeer peer, TimeProvider clock, IRelayDialer? relays, CancellationToken cancellationToken)
    {
        var way = await PeerConnection.ConnectAsync(identity, peer, Protocol, clock, relays, cancellationToken);
        await using var stream = way.Stream;
        using var timeout = new CancellationTokenSource(Patience, clock);
        using var ended = CancellationTokenSource.CreateLinkedTokenSource(timeout.Token, cancellationToken);
        try
        {
            var speed = await LinkProbe.MeasureAsync(stream, clock, ended.Token);
            return new LinkReport(peer.Name, speed.RoundTrip, speed.BytesPerSecond, way.IsRelayed);
        }
        catch (Exception error) when (error is IOException or InvalidDataException
            || (error is OperationCanceledException && !cancellationToken.IsCancellationRequested))
        {
            throw new PeerUnreachableException($"{peer.Name} broke off while the way to it was measured");
        }
    }

    /// <summary>Answers a peer that measures its way to this node.</summary>
    public static PeerHandler Answers(TimeProvider clock) => async (_, stream, cancellationToken) =>
    {
        using var timeout = new CancellationTokenSource(Patience, clock);
        using var ended = CancellationTokenSource.CreateLinkedTokenSource(timeout.Token, cancellationToken);
        await LinkProbe.AnswerAsync(stream, ended.Token);
    };
}
