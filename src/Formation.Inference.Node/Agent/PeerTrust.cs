using Formation.Inference.Cluster.Identity;
using Formation.Inference.Cluster.Nodes;
using Formation.Inference.Node.Stages.Transports;

namespace Formation.Inference.Node.Agent;

/// <summary>Who this node is to other stages, and which of them it lets in: those that its gateway names, at the moment when they connect.</summary>
public static class PeerTrust
{
    /// <summary>Credentials for the data plane.</summary>
    /// <param name="identity">This node's key; outlives the credentials.</param>
    /// <param name="peers">Those that the gateway names.</param>
    public static StageCredentials CredentialsOf(NodeIdentity identity, PeerDirectory peers) =>
        new(identity.Certificate, peer => peer.Pin is { } pin && peers.Find(pin) is not null);

    /// <summary>A peer as the data plane expects it at the other end of a connection.</summary>
    public static PeerIdentity IdentityOf(NodePeer peer) => PeerIdentity.Of(peer.Pin);
}
