using Formation.Inference.Cluster.Identity;
using Formation.Inference.Cluster.Relays;

namespace Formation.Inference.Node.Relays;

/// <summary>The relay as its own gateway uses it: without a connection to itself.</summary>
/// <param name="relay">The relay of this process.</param>
/// <param name="self">The gateway's key.</param>
/// <param name="clock">The clock.</param>
public sealed class GatewayRelay(RelayService relay, KeyPin self, TimeProvider clock) : IRelayDialer
{
    /// <inheritdoc/>
    public UnansweredPeers Unanswered { get; } = new(clock);

    /// <inheritdoc/>
    public async Task<RelayedConnection> CallAsync(KeyPin gateway, KeyPin target, CancellationToken cancellationToken)
    {
        if (gateway != self)
            throw new IOException("its control stream is with another gateway");
        var stream = await relay.OpenAsync(target, cancellationToken);
        return new RelayedConnection(stream, stream.Dispose);
    }
}
