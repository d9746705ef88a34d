namespace Formation.Inference.Node.Stages.Transports;

/// <summary>Gets a channel to a stage: by dialling it, through a relay, or by waiting until it dials.</summary>
public interface IStageDialer
{
    /// <param name="address">As the endpoint or the route says: <c>unix:/path</c>, <c>tcp:host:port</c>, <c>tcp:relay:PIN</c>.</param>
    /// <param name="expected">Who must be there.</param>
    /// <param name="cancellationToken">Ends the attempt.</param>
    /// <exception cref="StageConnectException">Nobody is there, or somebody else; the message says which.</exception>
    ValueTask<StageChannel> DialAsync(string address, PeerIdentity expected, CancellationToken cancellationToken);
}

/// <summary>A channel could not be made.</summary>
/// <param name="message">Which address, and why.</param>
/// <param name="inner">The cause, or null.</param>
public sealed class StageConnectException(string message, Exception? inner = null) : Exception(message, inner);
