using Formation.Inference.Engine.Devices;
using Formation.Inference.Engine.Models;
using Formation.Inference.Kernels.Attention;
using Formation.Inference.Node.Stages;

namespace Formation.Inference.TensorParallel.Benchmarks;

/// <summary>What leader and followers agree on.</summary>
static class Bench
{
    public const int BlockCount = 64, MaxRows = 64;

    public static StageShape Shape(ModelConfig config) => new()
    {
        DeploymentId = "benchmark",
        ModelDigest = new string('0', 64),
        HiddenSize = config.HiddenSize,
        MaxRows = MaxRows,
        BlockCount = BlockCount,
        BlockSize = KvCacheShape.DefaultBlockSize,
        KvFormat = KvFormat.F16,
    };
}
