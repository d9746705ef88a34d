using Formation.Inference.Cluster.Identity;
using Formation.Inference.Cluster.Placement;

namespace Formation.Inference.Cluster.Workers;

/// <summary>
/// What a gateway wants of one worker of a node. A node gets the list of all its orders, again whenever one changes; it starts what is new, hands
/// changes to what runs, and ends what is no longer there.
/// </summary>
public sealed record WorkerOrder
{
    /// <summary>Which worker: 32 lower-case hexadecimal digits, never used again.</summary>
    public required string Id { get; init; }

    /// <summary>The replica that it belongs to; stages and head check it when they connect.</summary>
    public required string Replica { get; init; }

    /// <summary>The id that requests name.</summary>
    public required string ModelId { get; init; }

    /// <summary>The model's digest, 64 lower-case hexadecimal digits.</summary>
    public required string ModelDigest { get; init; }

    /// <summary>Where the gateway has the model. A node that has the same file at the same place need not fetch it.</summary>
    public required string ModelPath { get; init; }

    public required WorkerRole Role { get; init; }

    /// <summary>What it computes; none for a standby.</summary>
    public required LayerSpan Layers { get; init; }

    /// <summary>Which of those that share each layer it is: 0 for the head, and where it computes its layers alone.</summary>
    public int Rank { get; init; }

    /// <summary>How many share each layer; 1 where it computes its layers alone.</summary>
    public int Members { get; init; } = 1;

    /// <summary>Bytes that it takes of the node's memory, as planned.</summary>
    public required long MemoryBytes { get; init; }

    /// <summary>KV blocks that it holds.</summary>
    public required int KvBlocks { get; init; }

    /// <summary>Positions of a KV block.</summary>
    public required int KvBlockSize { get; init; }

    /// <summary>How keys and values are stored: <c>f16</c>, <c>q8_0</c>.</summary>
    public required string KvFormat { get; init; }

    /// <summary>Tokens that prompt and completion of a request may have together.</summary>
    public required int ContextLength { get; init; }

    /// <summary>Sequences that run at once.</summary>
    public required int Sequences { get; init; }

    /// <summary>Positions of prompts in one step.</summary>
    public required int PrefillTokens { get; init; }

    /// <summary>How activations cross the links.</summary>
    public LinkPrecision Precision { get; init; }

    /// <summary>The keys that may connect: for a stage the head's and the other stages', for a head the gateways'.</summary>
    public IReadOnlyList<KeyPin> Callers { get; init; } = [];

    /// <summary>Of these the keys that may lead a stage.</summary>
    public IReadOnlyList<KeyPin> Heads { get; init; } = [];

    /// <summary>For a head: the stages that are ready, in the order of their layers, and those that share its own; several may have the same ones while one takes the other's place.</summary>
    public IReadOnlyList<WorkerEndpoint> Chain { get; init; } = [];

    /// <summary>Whether another worker takes its place: it serves as long as it is asked, and asks not to be.</summary>
    public bool IsLeaving { get; init; }

    /// <summary>Rows of the largest batch.</summary>
    public int MaxRows => Sequences + PrefillTokens;
}
