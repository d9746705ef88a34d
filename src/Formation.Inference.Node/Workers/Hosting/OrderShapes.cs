using Formation.Inference.Cluster.Placement;
using Formation.Inference.Cluster.Workers;
using Formation.Inference.Engine.Models;
using Formation.Inference.Engine.Stages;
using Formation.Inference.Kernels.Attention;
using Formation.Inference.Node.Stages;

namespace Formation.Inference.Node.Workers.Hosting;

/// <summary>An order in the terms of the engine and of the stage protocol.</summary>
static class OrderShapes
{
    /// <summary>Its layers.</summary>
    public static LayerRange Range(this LayerSpan layers) => new(layers.First, layers.Count);

    /// <summary>What it computes of each of its layers.</summary>
    public static TensorShare ShareOf(WorkerOrder order) => new(order.Rank, order.Members);

    /// <summary>How keys and values are stored.</summary>
    /// <exception cref="ArgumentException">This program does not know the format.</exception>
    public static KvFormat KvFormatOf(WorkerOrder order) => order.KvFormat switch
    {
        "f16" => KvFormat.F16,
        "q8_0" => KvFormat.Q8_0,
        var other => throw new ArgumentException($"the KV format '{other}' is not one of this version of the program"),
    };

    /// <summary>What head and stages of a replica have in common.</summary>
    public static StageShape Of(WorkerOrder order, ModelConfig model) => new()
    {
        DeploymentId = order.Replica,
        ModelDigest = order.ModelDigest,
        HiddenSize = model.HiddenSize,
        MaxRows = order.MaxRows,
        BlockCount = order.KvBlocks,
        BlockSize = order.KvBlockSize,
        KvFormat = KvFormatOf(order),
    };

    /// <summary>How activations cross the links.</summary>
    public static ActivationPrecision PrecisionOf(WorkerOrder order) => order.Precision switch
    {
        LinkPrecision.F32 => ActivationPrecision.F32,
        LinkPrecision.BF16 => ActivationPrecision.BF16,
        LinkPrecision.Q8 => ActivationPrecision.Q8,
        _ => throw new ArgumentException($"there is no precision {order.Precision}"),
    };
}
