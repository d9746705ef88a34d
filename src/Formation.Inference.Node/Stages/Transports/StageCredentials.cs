using System.Security.Cryptography.X509Certificates;

namespace Formation.Inference.Node.Stages.Transports;

/// <summary>What a node shows to others, and whom it lets in.</summary>
/// <param name="Certificate">With its private key.</param>
/// <param name="IsKnown">
/// Whether this peer may connect now; asked for each connection, from several threads. What a peer may then do depends on its role.
/// </param>
public sealed record StageCredentials(X509Certificate2 Certificate, Func<PeerIdentity, bool> IsKnown)
{
    /// <summary>Who this node is to others.</summary>
    public PeerIdentity Identity { get; } = PeerIdentity.Of(Certificate);
}
