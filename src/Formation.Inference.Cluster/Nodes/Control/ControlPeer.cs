using Formation.Inference.Cluster.Identity;

namespace Formation.Inference.Cluster.Nodes.Control;

/// <summary>What the transport knows of a caller.</summary>
/// <param name="Pin">The key that the caller proved to have in the TLS handshake.</param>
/// <param name="Address">Where it calls from, for people.</param>
/// <param name="Abort">Cuts its connection, with everything that is still under way on it.</param>
public sealed record ControlPeer(KeyPin Pin, string Address, Action Abort)
{
    /// <summary>Late enough for a status to leave, soon enough that nothing else is done on the connection.</summary>
    private static readonly TimeSpan Delay = TimeSpan.FromMilliseconds(250);

    /// <summary>Cuts its connection behind a refusal. Returns at once.</summary>
    public void AbortLater(TimeProvider clock) => _ = Task.Delay(Delay, clock).ContinueWith(_ => Abort(), TaskScheduler.Default);
}
