using Formation.Inference.Node.Stages.Connections;
using Formation.Inference.Node.Stages.Groups;
using Formation.Inference.Node.Stages.Transports;

namespace Formation.Inference.Node.Stages.Serving;

/// <summary>What one stage serves, and to whom.</summary>
public sealed record StageServerOptions
{
    /// <summary>The deployment and the model, and the largest batch and KV cache that a head may use.</summary>
    public required StageShape Shape { get; init; }

    /// <summary>Who may be the head. Default: whoever the transport lets in.</summary>
    public Func<PeerIdentity, bool> IsHead { get; init; } = static _ => true;

    /// <summary>Where the stage is a follower of a group that shares each layer: what takes the leader's connection for partial sums.</summary>
    public FollowerExchange? Exchange { get; init; }

    /// <summary>Precisions of rows that this program uses on its links. Default: all.</summary>
    public ActivationPrecision Precisions { get; init; } = ActivationPrecision.F32 | ActivationPrecision.BF16 | ActivationPrecision.Q8;

    /// <summary>Batches that a head may have under way here; each has room for all rows. Default 8.</summary>
    public int MaxInFlight { get; init; } = 8;

    public HeartbeatOptions Heartbeat { get; init; } = new();

    /// <summary>How long each step of a handshake may take. Default 5 s.</summary>
    public TimeSpan HandshakeTimeout { get; init; } = TimeSpan.FromSeconds(5);

    /// <summary>Told why a connection was refused or has ended, from any thread. Default: nobody.</summary>
    public Action<string> OnConnectionEnded { get; init; } = static _ => { };
}
