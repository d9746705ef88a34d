using Formation.Inference.Cluster.Placement;
using Formation.Inference.Cluster.Workers;

namespace Formation.Inference.Node.Tests.Workers;

/// <summary>Orders that tests give.</summary>
static class WorkerOrders
{
    public static WorkerOrder Stage(long memory = 1 << 20) => new()
    {
        Id = WorkerId.New(),
        Replica = "model/1",
        ModelId = "model",
        ModelDigest = new string('0', 64),
        ModelPath = "/models/model.gguf",
        Role = WorkerRole.Stage,
        Layers = new LayerSpan(1, 1),
        MemoryBytes = memory,
        KvBlocks = 16,
        KvBlockSize = 16,
        KvFormat = "f16",
        ContextLength = 128,
        Sequences = 2,
        PrefillTokens = 32,
    };
}
