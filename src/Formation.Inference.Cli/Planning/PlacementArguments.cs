using Formation.Inference.Cli.Arguments;
using Formation.Inference.Cluster.Placement;

namespace Formation.Inference.Cli.Planning;

/// <summary>What was given for <see cref="PlacementOptions"/>; null where nothing was.</summary>
sealed class PlacementArguments
{
    public required int? Context { get; init; }

    public required int? Concurrency { get; init; }

    public required ReplicasArgument? Replicas { get; init; }

    public required int? Stages { get; init; }

    public required GroupArgument? TensorParallel { get; init; }

    public required int Spares { get; init; }

    public required IReadOnlyList<NodePin> Pins { get; init; }

    public required IReadOnlyList<string> Regions { get; init; }

    public required IReadOnlyList<string> Labels { get; init; }

    public required bool TrustedOnly { get; init; }

    /// <summary><c>f16</c> or <c>q8_0</c>.</summary>
    public required string KvFormat { get; init; }

    /// <summary><c>f32</c>, <c>bf16</c> or <c>q8</c>.</summary>
    public required string LinkPrecision { get; init; }
}
