using System.Runtime.InteropServices;
using Formation.Inference.Kernels.Memory;

namespace Formation.Inference.Kernels.Dense;

/// <summary>
/// A float matrix in native memory aligned to 64 bytes. Shape: (<see cref="Rows"/>, <see cref="Columns"/>), row-major, no gaps, zero at
/// first.
/// </summary>
public sealed unsafe class DenseMatrix : IDisposable
{
    private readonly NativeBuffer _memory;

    /// <exception cref="ArgumentOutOfRangeException">A side is less than 1, or the whole has more values than a span can hold.</exception>
    public DenseMatrix(int rows, int columns)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(rows, 1);
        ArgumentOutOfRangeException.ThrowIfLessThan(columns, 1);
        if ((long)rows * columns > int.MaxValue / sizeof(float))
            throw new ArgumentOutOfRangeException(nameof(rows), $"{rows} x {columns} floats are more than {int.MaxValue} bytes");
        Rows = rows;
        Columns = columns;
        _memory = new NativeBuffer((long)rows * columns * sizeof(float));
    }

    public int Rows { get; }

    public int Columns { get; }

    /// <summary>All values, row after row.</summary>
    public Span<float> Values => MemoryMarshal.Cast<byte, float>(_memory.Span(0, Rows * Columns * sizeof(float)));

    /// <summary>The values of one row.</summary>
    public Span<float> Row(int row) => Values.Slice(row * Columns, Columns);

    internal float* Pointer => (float*)_memory.Region.Pointer;

    public void Dispose() => _memory.Dispose();
}
