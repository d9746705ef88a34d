using System.Runtime.InteropServices;
using Formation.Inference.Engine.Stages;
using Formation.Inference.Kernels;
using Formation.Inference.Kernels.Attention;
using Formation.Inference.Kernels.Memory;

namespace Formation.Inference.Engine.Devices;

/// <summary>A table whose rows can be read.</summary>
internal interface ICpuTable
{
    /// <summary>y[i] = table[ids[i]].</summary>
    void Lookup(ReadOnlySpan<int> ids, Span<float> y);
}

/// <summary>The weight of linear layers in the kernels' layout.</summary>
internal sealed class CpuWeight(PackedMatrix matrix) : DeviceWeight(matrix.Rows, matrix.Columns), ICpuTable
{
    public PackedMatrix Matrix { get; } = matrix;

    public override bool ReadsSource => false;

    public void Lookup(ReadOnlySpan<int> ids, Span<float> y)
    {
        for (var i = 0; i < ids.Length; i++)
            Matrix.ReadRow(ids[i], y.Slice(i * Columns, Columns));
    }

    public override void Dispose() => Matrix.Dispose();
}

/// <summary>A table where the file is mapped: nothing is copied.</summary>
internal sealed class CpuTable(WeightMatrix matrix) : DeviceWeight(matrix.Rows, matrix.Columns), ICpuTable
{
    public override bool ReadsSource => true;

    public void Lookup(ReadOnlySpan<int> ids, Span<float> y) => Embedding.Lookup(matrix, ids, y);

    public override void Dispose() { }
}

internal sealed class CpuVector : DeviceVector
{
    private readonly NativeBuffer _buffer;

    public CpuVector(ReadOnlySpan<float> values)
        : base(values.Length)
    {
        _buffer = new NativeBuffer((long)values.Length * sizeof(float));
        values.CopyTo(MemoryMarshal.Cast<byte, float>(_buffer.Span(0, (int)_buffer.Length)));
    }

    public ReadOnlySpan<float> Values => MemoryMarshal.Cast<byte, float>(_buffer.Span(0, (int)_buffer.Length));

    public MemoryRegion Region => _buffer.Region;

    public override void Dispose() => _buffer.Dispose();
}

/// <summary>Native memory, aligned for the widest vectors.</summary>
internal sealed class CpuMatrix(int maxRows, int columns) : DeviceMatrix(maxRows, columns)
{
    private readonly NativeBuffer _buffer = new(checked((long)maxRows * columns * sizeof(float)));
    private readonly LinearInput _input = new();

    /// <summary>The rows in use.</summary>
    public Span<float> Values => Slice(0, Rows);

    /// <summary>The whole memory.</summary>
    public MemoryRegion Region => _buffer.Region;

    public Span<float> Slice(int firstRow, int rows) => MemoryMarshal.Cast<byte, float>(
        _buffer.Span((long)firstRow * Columns * sizeof(float), checked(rows * Columns * sizeof(float))));

    /// <summary>The rows in use as they are now, as the input of linear layers.</summary>
    public LinearInput AsInput()
    {
        _input.Set(Region, Rows, Columns);
        return _input;
    }

    public override void Dispose()
    {
        _input.Dispose();
        _buffer.Dispose();
    }
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
