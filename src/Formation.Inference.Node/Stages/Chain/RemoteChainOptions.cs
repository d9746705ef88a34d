using Formation.Inference.Engine.Stages;
using Formation.Inference.Node.Stages.Connections;

namespace Formation.Inference.Node.Stages.Chain;

/// <summary>What a head wants of its chain.</summary>
public sealed record RemoteChainOptions
{
    public required StageShape Shape { get; init; }

    /// <summary>The layers of all stages of the chain together.</summary>
    public required LayerRange Layers { get; init; }

    /// <summary>How rows cross the links where both ends can; float32 where one can't. Default F32, which changes no result.</summary>
    public ActivationPrecision Precision { get; init; } = ActivationPrecision.F32;

    /// <summary>
    /// Batches under way beyond one for each stage: 1 where the head computes layers of its own, and one or two more where a round trip
    /// takes as long as a stage's computation, so that all stages stay busy. Default 0.
    /// </summary>
    public int ExtraDepth { get; init; }

    /// <summary>
    /// Whether the head keeps what it sends, so that a replacement can be rebuilt from it; where not, somebody else sends it again. Default: it
    /// does.
    /// </summary>
    public bool KeepsRows { get; init; } = true;

    /// <summary>Arrangements that one call of <see cref="RemoteChain.RecoverAsync"/> tries. Default 5.</summary>
    public int MaxRecoveryAttempts { get; init; } = 5;

    public HeartbeatOptions Heartbeat { get; init; } = new();

    /// <summary>How long each step of a handshake may take. Default 5 s.</summary>
    public TimeSpan HandshakeTimeout { get; init; } = TimeSpan.FromSeconds(5);

    /// <summary>Told of losses and recoveries in words for the operator, from any thread. Default: nobody.</summary>
    public Action<string> OnEvent { get; init; } = static _ => { };
}
