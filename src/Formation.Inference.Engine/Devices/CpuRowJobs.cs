using Formation.Inference.Kernels.Attention;
using Formation.Inference.Kernels.Layers;
using Formation.Inference.Kernels.Threading;

namespace Formation.Inference.Engine.Devices;

/// <summary>Which rows of a matrix a task computes.</summary>
internal readonly record struct TaskRows(int First, int Count)
{
    public static TaskRows Of(int task, int rowsPerTask, DeviceMatrix matrix) =>
        new(task * rowsPerTask, Math.Min(rowsPerTask, matrix.Rows - task * rowsPerTask));

    public Span<float> In(CpuMatrix matrix) => matrix.Slice(First, Count);
}

internal readonly struct RmsNormJob(CpuMatrix x, CpuVector gain, float epsilon, CpuMatrix y, int rowsPerTask) : IJob
{
    public void Execute(int task, int worker)
    {
        var rows = TaskRows.Of(task, rowsPerTask, x);
        RmsNorm.Apply(rows.In(x), gain.Values, epsilon, rows.In(y));
    }
}

internal readonly struct AddJob(CpuMatrix x, CpuMatrix y, int rowsPerTask) : IJob
{
    public void Execute(int task, int worker)
    {
        var rows = TaskRows.Of(task, rowsPerTask, x);
        Addition.Accumulate(rows.In(x), rows.In(y));
    }
}

internal readonly struct RotaryAnglesJob(RotaryFrequencies rope, AttentionPlan plan, CpuMatrix angles, int rowsPerTask) : IJob
{
    public void Execute(int task, int worker)
    {
        var rows = TaskRows.Of(task, rowsPerTask, angles);
        for (var row = rows.First; row < rows.First + rows.Count; row++)
            RotaryEmbedding.Angles(plan.Places[row].Position, rope.Frequencies.Span, rope.Magnitude, angles.Slice(row, 1));
    }
}

internal readonly struct RotateJob(CpuMatrix x, int headSize, CpuMatrix angles, RotaryPairing pairing, int rowsPerTask) : IJob
{
    public void Execute(int task, int worker)
    {
        var rows = TaskRows.Of(task, rowsPerTask, x);
        RotaryEmbedding.Rotate(rows.In(x), headSize, rows.In(angles), rows.Count, pairing);
    }
}

internal readonly struct StoreKvJob(
    KvMemory memory, int layer, CpuMatrix keys, CpuMatrix values, AttentionPlan plan, int rowsPerTask) : IJob
{
    public void Execute(int task, int worker)
    {
        var rows = TaskRows.Of(task, rowsPerTask, keys);
        for (var row = rows.First; row < rows.First + rows.Count; row++)
        {
            var place = plan.Places[row];
            memory.Store(layer, place.Block, place.Slot, keys.Slice(row, 1), values.Slice(row, 1));
        }
    }
}
