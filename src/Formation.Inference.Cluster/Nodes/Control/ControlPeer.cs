using Formation.Inference.Cluster.Identity;

namespace Formation.Inference.Cluster.Nodes.Control;

/// <summary>What the transport knows of a caller.</summary>
/// <param name="Pin">The key that the caller proved to have in the TLS handshake.</param>
/// <param name="Address">Where it calls from, for people.</param>
/// <param name="Abort">Cuts its connection, with everything that is still under way on it.</param>
public sealed record ControlPeer(KeyPin Pin, string Address, Action Abort);
