namespace Formation.Inference.Cluster.Placement;

/// <summary>What a deployment promises, and what it must not do.</summary>
public sealed record PlacementRequest
{
    /// <summary>Positions promised to each sequence, prompt and completion together.</summary>
    public required int ContextLength { get; init; }

    /// <summary>Sequences that generate at once, over all replicas.</summary>
    public int Concurrency { get; init; } = 1;

    /// <summary>Positions of a typical prompt: speeds are predicted for a sequence of this length.</summary>
    public int PromptLength { get; init; } = 512;

    /// <summary>Positions of a prompt that one step computes.</summary>
    public int MaxPrefillTokens { get; init; } = 512;

    /// <summary>What counts where plans are compared.</summary>
    public PlacementGoal Goal { get; init; } = PlacementGoal.AllStreams;

    /// <summary>Stages of a replica, or null for the fastest number.</summary>
    public int? Stages { get; init; }

    /// <summary>Replicas, or null for the fastest number.</summary>
    public int? Replicas { get; init; }

    /// <summary>Machines kept ready, each with room for any one stage that is lost.</summary>
    public int Spares { get; init; }

    /// <summary>Regions in which weights, keys and values may lie, those of spares too; empty for all.</summary>
    public IReadOnlyList<string> Regions { get; init; } = [];

    /// <summary>Whether only nodes of trusted operators count.</summary>
    public bool TrustedOnly { get; init; }

    /// <summary>Labels that each node must have.</summary>
    public IReadOnlyList<string> Labels { get; init; } = [];

    /// <summary>Layers that an operator gives to a node.</summary>
    public IReadOnlyList<NodePin> Pins { get; init; } = [];

    /// <summary>How activations cross the links.</summary>
    public LinkPrecision LinkPrecision { get; init; } = LinkPrecision.F32;

    /// <summary>
    /// Machines that share each layer: so many compute all layers of a replica together; 1 for none, and null for whatever is fastest among what is
    /// weighed. Their tokens differ from one machine's in the roundings of last bits, so only who asks for groups gets them.
    /// </summary>
    public int? GroupSize { get; init; }

    /// <summary>Whether groups of machines that share each layer are weighed, too; with a <see cref="GroupSize"/> of 1 they are shown, and not taken.</summary>
    public bool TensorParallel { get; init; }

    /// <summary>What the program that will run the plan can do.</summary>
    public RuntimeAbilities Runtime { get; init; } = new();

    /// <summary>
    /// The share by which a plan with more machines must be faster: each machine more is one more that can fail. 0 takes any gain.
    /// </summary>
    public double LeastGain { get; init; } = 0.05;
}

/// <summary>What counts where plans are compared.</summary>
public enum PlacementGoal
{
    /// <summary>Tokens a second of all promised sequences together.</summary>
    AllStreams,

    /// <summary>Tokens a second of a sequence that is alone.</summary>
    OneStream,
}

/// <summary>Layers given to a node by hand.</summary>
/// <param name="Node">Name of the node.</param>
/// <param name="Layers">Exactly these layers.</param>
public sealed record NodePin(string Node, LayerSpan Layers);

/// <summary>What the program that runs plans can do; placement chooses nothing else.</summary>
public sealed record RuntimeAbilities
{
    /// <summary>Whether machines can share a layer.</summary>
    public bool TensorParallel { get; init; }

    /// <summary>Whether chunks of one prompt follow each other through the stages, instead of each waiting for the one before to end.</summary>
    public bool PipelinedPrefill { get; init; } = true;
}
