using System.Runtime.InteropServices;
using Formation.Inference.Engine.Stages;
using Formation.Inference.Kernels;
using Formation.Inference.Kernels.Attention;
using Formation.Inference.Kernels.Memory;

namespace Formation.Inference.Engine.Devices;

/// <summary>A weight where the file is mapped: nothing is copied.</summary>
internal sealed class CpuWeight(WeightMatrix matrix) : DeviceWeight(matrix.Rows, matrix.Columns)
{
    public WeightMatrix Matrix { get; } = matrix;

    public override void Dispose() { }
}

internal sealed class CpuVector(float[] values) : DeviceVector(values.Length)
{
    public ReadOnlySpan<float> Values => values;

    public override void Dispose() { }
}

/// <summary>Native memory, aligned for the widest vectors.</summary>
internal sealed class CpuMatrix(int maxRows, int columns) : DeviceMatrix(maxRows, columns)
{
    private readonly NativeBuffer _buffer = new(checked((long)maxRows * columns * sizeof(float)));

    /// <summary>The rows in use.</summary>
    public Span<float> Values => Slice(0, Rows);

    public Span<float> Slice(int firstRow, int rows) => MemoryMarshal.Cast<byte, float>(
        _buffer.Span((long)firstRow * Columns * sizeof(float), checked(rows * Columns * sizeof(float))));

    public override void Dispose() => _buffer.Dispose();
}

internal sealed class CpuKvCache(KvCacheShape shape) : DeviceKvCache(shape)
{
    public KvMemory Memory { get; } = new(shape.Layout, shape.LayerCount, shape.BlockCount);

    public override void Dispose() => Memory.Dispose();
}

internal sealed class CpuBatch(CpuKvCache cache, int queryHeads) : DeviceBatch
{
    public AttentionPlan Plan { get; } = new(queryHeads, cache.Memory.Layout, cache.Memory.Blocks);

    public override void Set(Batch batch)
    {
        Plan.Clear();
        foreach (var slice in batch.Slices)
            Plan.Add(new AttentionSlice(slice.FirstRow, slice.RowCount, slice.FirstPosition, slice.BlockTable));
    }

    public override void Dispose() { }
}
