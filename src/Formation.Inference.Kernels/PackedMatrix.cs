using Formation.Inference.Kernels.Formats;
using Formation.Inference.Kernels.Memory;
using Formation.Inference.Kernels.Packing;
using Formation.Inference.Kernels.Threading;

namespace Formation.Inference.Kernels;

/// <summary>
/// A weight laid out for the kernels: strips of sixteen rows, see <see cref="Strip"/>. It has the size of the stored weight, its rows
/// rounded up to a multiple of sixteen, and the same values to the bit.
/// </summary>
public sealed unsafe class PackedMatrix : IDisposable
{
    private readonly ArenaPiece _memory;
    private readonly TensorTypeInfo _format;

    private PackedMatrix(TensorType type, int rows, int columns, HugePageArena arena)
    {
        (Type, Rows, Columns) = (type, rows, columns);
        _format = TensorTypeInfo.Of(type);
        StripBytes = checked(_format.RowBytes(columns) * Strip.Outputs);
        _memory = arena.Take(BytesOf(type, rows, columns));
    }

    public TensorType Type { get; }

    /// <summary>Outputs of the linear layer.</summary>
    public int Rows { get; }

    /// <summary>Inputs of the linear layer.</summary>
    public int Columns { get; }

    /// <summary>Bytes in memory.</summary>
    public long Bytes => _memory.Length;

    internal long StripBytes { get; }

    internal int Strips => StripsOf(Rows);

    /// <summary>Bytes that a weight takes in memory once it is laid out, without laying it out.</summary>
    /// <exception cref="OverflowException">The product does not fit.</exception>
    public static long BytesOf(TensorType type, int rows, int columns) =>
        checked(TensorTypeInfo.Of(type).RowBytes(columns) * Strip.Outputs * StripsOf(rows));

    /// <summary>Lays a weight out anew; its own memory is not needed afterwards.</summary>
    /// <param name="weight">The weight as stored.</param>
    /// <param name="team">The threads that share the work.</param>
    /// <param name="arena">Where it is laid out, beside a model's other weights.</param>
    /// <exception cref="NotSupportedException">The engine does not compute with the weight's format.</exception>
    /// <exception cref="OutOfMemoryException">There is not enough memory.</exception>
    public static PackedMatrix Pack(in WeightMatrix weight, WorkerTeam team, HugePageArena arena)
    {
        RowShape.CheckComputed(weight.Type);
        var packed = new PackedMatrix(weight.Type, weight.Rows, weight.Columns, arena);
        team.Run(new PackJob(packed, weight), packed.Strips);
        return packed;
    }

    /// <summary>Writes the values of one row.</summary>
    /// <param name="values">As many as there are columns.</param>
    /// <exception cref="ArgumentException">The length is another.</exception>
    /// <exception cref="ArgumentOutOfRangeException">There is no such row.</exception>
    public void ReadRow(int row, Span<float> values)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(row);
        ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual(row, Rows);
        if (values.Length != Columns)
            throw new ArgumentException($"a row has {Columns} values, not {values.Length}", nameof(values));
        var fields = PackedFormats.Fields(Type);
        var strip = StripAt(row / Strip.Outputs);
        var block = stackalloc byte[_format.BlockBytes];
        for (var column = 0; column < Columns; column += _format.BlockSize, strip += _format.BlockBytes * Strip.Outputs)
        {
            Strip.UnpackBlock(fields, strip, row % Strip.Outputs, block);
            Dequantizer.Row(Type, new ReadOnlySpan<byte>(block, _format.BlockBytes), values.Slice(column, _format.BlockSize));
        }
    }

    public void Dispose() => _memory.Dispose();

    private static int StripsOf(int rows) => (int)(((long)rows + Strip.Outputs - 1) / Strip.Outputs);

    internal byte* StripAt(int strip) => _memory.Region.Pointer + strip * StripBytes;

    /// <summary>Packs one strip a task.</summary>
    private readonly struct PackJob(PackedMatrix packed, WeightMatrix weight) : IJob
    {
        public void Execute(int task, int worker)
        {
            var fields = PackedFormats.Fields(weight.Type);
            var first = task * Strip.Outputs;
            var count = Math.Min(Strip.Outputs, weight.Rows - first);
            var source = weight.Data.Pointer + first * weight.Stride;
            var strip = packed.StripAt(task);
            var blockBytes = packed._format.BlockBytes;
            for (long offset = 0; offset < weight.RowBytes; offset += blockBytes)
                Strip.PackBlock(fields, source + offset, weight.Stride, count, strip + offset * Strip.Outputs);
        }
    }
}
