using Formation.Inference.Kernels.Dispatch;
using Formation.Inference.Kernels.Formats;
using Formation.Inference.Kernels.Inputs;
using Formation.Inference.Kernels.Memory;
using Formation.Inference.Kernels.Threading;

namespace Formation.Inference.Kernels;

/// <summary>
/// The input of linear layers in the forms that their formats multiply with, each made when it is first asked for: layers that share an input
/// share the work.
/// </summary>
public sealed unsafe class LinearInput : IDisposable
{
    private readonly QuantizedRows _blocks = new(32);
    private readonly QuantizedRows _superBlocks = new(256);
    private bool _hasBlocks;
    private bool _hasSuperBlocks;

    /// <summary>Rows of the input.</summary>
    public int Rows { get; private set; }

    /// <summary>Values of a row.</summary>
    public int Columns { get; private set; }

    internal float* Values { get; private set; }

    /// <summary>Takes an input; it stays in place and unchanged while linear layers read it.</summary>
    /// <param name="values">Float32. Shape: (rows, columns), row-major.</param>
    /// <exception cref="ArgumentException">The region is too short.</exception>
    public void Set(MemoryRegion values, int rows, int columns)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(rows);
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(columns);
        if (values.Length / sizeof(float) < (long)rows * columns)
            throw new ArgumentException($"{rows} rows of {columns} values need more than {values.Length} bytes", nameof(values));
        Values = (float*)values.Pointer;
        (Rows, Columns) = (rows, columns);
        _hasBlocks = _hasSuperBlocks = false;
    }

    public void Dispose()
    {
        _blocks.Dispose();
        _superBlocks.Dispose();
    }

    /// <summary>Makes the form that a format multiplies with, unless it is there.</summary>
    internal void Prepare(TensorType type, WorkerTeam team, KernelPath path)
    {
        switch (TensorTypeInfo.Of(type).BlockSize)
        {
            case 32 when !_hasBlocks:
                _blocks.Set(Values, Rows, Columns, team, path);
                _hasBlocks = true;
                break;
            case 256 when !_hasSuperBlocks:
                _superBlocks.Set(Values, Rows, Columns, team, path);
                _hasSuperBlocks = true;
                break;
        }
    }

    /// <summary>The bytes from a row and a column on, in the form with scales for so many columns.</summary>
    internal InputRows Quantized(int blockColumns, int row, int column)
    {
        var rows = blockColumns == 32 ? _blocks : _superBlocks;
        nint scaleStride = Columns / blockColumns, sumStride = Columns / 16;
        return new InputRows(
            rows.Quants + (nint)row * Columns + column, Columns,
            rows.Scales + row * scaleStride + column / blockColumns, scaleStride,
            rows.Sums + row * sumStride + column / 16, sumStride);
    }
}
