using Formation.Inference.Engine.Stages;
using Formation.Inference.Node.Stages.Chain;
using Formation.Inference.Node.Stages.Connections;

namespace Formation.Inference.Node.Stages.Groups;

/// <summary>What the leader of a group wants of it.</summary>
public sealed record TensorParallelOptions
{
    public required StageShape Shape { get; init; }

    /// <summary>The layers that the group shares.</summary>
    public required LayerRange Layers { get; init; }

    /// <summary>Finds each follower, from rank 1 on.</summary>
    public required IReadOnlyList<IStageProvider> Followers { get; init; }

    public HeartbeatOptions Heartbeat { get; init; } = new();

    /// <summary>How long each step of a handshake may take. Default 5 s.</summary>
    public TimeSpan HandshakeTimeout { get; init; } = TimeSpan.FromSeconds(5);

    /// <summary>Told of losses and recoveries in words for the operator, from any thread. Default: nobody.</summary>
    public Action<string> OnEvent { get; init; } = static _ => { };
}
