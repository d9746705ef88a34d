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
        Stride = RowBytes = TensorTypeInfo.Of(type).RowBytes(columns);
        var needed = checked(RowBytes * rows);
        if (data.Length < needed)
            throw new ArgumentException($"a {rows} x {columns} matrix of {type} needs {needed} bytes, not {data.Length}", nameof(data));
        Data = data.Slice(0, needed);
        Type = type;
        Rows = rows;
        Columns = columns;
    }

    private WeightMatrix(MemoryRegion data, TensorType type, int rows, int columns, long stride)
    {
        (Data, Type, Rows, Columns, Stride) = (data, type, rows, columns, stride);
        RowBytes = TensorTypeInfo.Of(type).RowBytes(columns);
    }

    /// <summary>From the first byte of the first row to the last byte of the last one.</summary>
    public MemoryRegion Data { get; }

    public TensorType Type { get; }

    /// <summary>Outputs of the linear layer.</summary>
    public int Rows { get; }

    /// <summary>Inputs of the linear layer.</summary>
    public int Columns { get; }

    public long RowBytes { get; }

    /// <summary>Bytes from a row to the next: more than <see cref="RowBytes"/> where these are some columns of a larger weight.</summary>
    public long Stride { get; }

    /// <summary>Some of the rows.</summary>
    /// <exception cref="ArgumentOutOfRangeException">There are not so many.</exception>
    public WeightMatrix SliceRows(int first, int count)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(first);
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(count);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(count, Rows - first);
        return new WeightMatrix(Data.Slice(first * Stride, ((count - 1) * Stride) + RowBytes), Type, count, Columns, Stride);
    }

    /// <summary>Some of the columns; both ends lie between two of the format's blocks.</summary>
    /// <exception cref="ArgumentOutOfRangeException">There are not so many, or an end lies inside a block.</exception>
    public WeightMatrix SliceColumns(int first, int count)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(first);
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(count);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(count, Columns - first);
        var format = TensorTypeInfo.Of(Type);
        var offset = format.RowBytes(first);
        return new WeightMatrix(Data.Slice(offset, ((Rows - 1) * Stride) + format.RowBytes(count)), Type, Rows, count, Stride);
    }

    /// <summary>The stored bytes of one row.</summary>
    /// <exception cref="ArgumentOutOfRangeException">There is no such row.</exception>
    public ReadOnlySpan<byte> Row(int row)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(row);
        ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual(row, Rows);
        return Data.Span(row * Stride, checked((int)RowBytes));
    }
}
