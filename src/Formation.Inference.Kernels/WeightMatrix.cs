using Formation.Inference.Kernels.Formats;
using Formation.Inference.Kernels.Memory;

namespace Formation.Inference.Kernels;

/// <summary>
/// A weight as it lies in memory. Shape: (<see cref="Rows"/>, <see cref="Columns"/>), row-major, each row a whole number of blocks.
/// </summary>
public readonly struct WeightMatrix
{
    /// <exception cref="ArgumentException">The bytes are fewer than the shape needs.</exception>
    public WeightMatrix(MemoryRegion data, TensorType type, int rows, int columns)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(rows);
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(columns);
        RowBytes = TensorTypeInfo.Of(type).RowBytes(columns);
        var needed = checked(RowBytes * rows);
        if (data.Length < needed)
            throw new ArgumentException($"a {rows} x {columns} matrix of {type} needs {needed} bytes, not {data.Length}", nameof(data));
        Data = data.Slice(0, needed);
        Type = type;
        Rows = rows;
        Columns = columns;
    }

    public MemoryRegion Data { get; }

    public TensorType Type { get; }

    /// <summary>Outputs of the linear layer.</summary>
    public int Rows { get; }

    /// <summary>Inputs of the linear layer.</summary>
    public int Columns { get; }

    public long RowBytes { get; }

    /// <summary>The stored bytes of one row.</summary>
    /// <exception cref="ArgumentOutOfRangeException">There is no such row.</exception>
    public ReadOnlySpan<byte> Row(int row)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(row);
        ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual(row, Rows);
        return Data.Span(row * RowBytes, checked((int)RowBytes));
    }
}
