using System.Runtime.CompilerServices;
using Formation.Inference.Kernels.Dispatch;
using Formation.Inference.Kernels.Memory;
using Formation.Inference.Kernels.Threading;
using Formation.Inference.Kernels.Vectors;

namespace Formation.Inference.Kernels.Inputs;

/// <summary>
/// Activations as bytes: each block of a row is divided by a scale that makes its largest magnitude 127. Beside them stand the sums of
/// sixteen neighbours, with which a format's zero level or minimum is taken into account once for many products.
/// </summary>
/// <param name="blockColumns">Columns that share a scale: 32 or 256, as the weight's blocks.</param>
internal sealed unsafe class QuantizedRows(int blockColumns) : IDisposable
{
    private const int SumColumns = 16;

    private NativeBuffer? _memory;
    private int _rows;
    private int _columns;

    /// <summary>Shape: (rows, columns).</summary>
    internal sbyte* Quants => (sbyte*)_memory!.Region.Pointer;

    /// <summary>Shape: (rows, columns / block).</summary>
    internal float* Scales => (float*)(Quants + (long)_rows * _columns);

    /// <summary>Shape: (rows, columns / 16).</summary>
    internal short* Sums => (short*)(Scales + (long)_rows * (_columns / blockColumns));

    /// <summary>Quantises rows; what stood here before is overwritten.</summary>
    /// <param name="x">Shape: (rows, columns).</param>
    /// <param name="columns">A multiple of the block.</param>
    internal void Set(float* x, int rows, int columns, WorkerTeam team, KernelPath path)
    {
        (_rows, _columns) = (rows, columns);
        var values = (long)rows * columns;
        var bytes = values + values / blockColumns * sizeof(float) + values / SumColumns * sizeof(short);
        if (_memory is null || _memory.Length < bytes)
        {
            _memory?.Dispose();
            _memory = null;
            _memory = new NativeBuffer(bytes);
        }
        var rowsPerTask = Math.Max(1, ValuesPerTask / columns);
        team.Run(new QuantizeJob(this, x, rowsPerTask, path), (rows + rowsPerTask - 1) / rowsPerTask);
    }

    public void Dispose() => _memory?.Dispose();

    // Fewer are done sooner than they are handed to another thread.
    private const int ValuesPerTask = 16 * 1024;

    private readonly struct QuantizeJob(QuantizedRows owner, float* x, int rowsPerTask, KernelPath path) : IJob
    {
        public void Execute(int task, int worker)
        {
            var end = Math.Min(owner._rows, (task + 1) * rowsPerTask);
            for (var row = task * rowsPerTask; row < end; row++)
            {
                switch (path)
                {
                    case KernelPath.Amx or KernelPath.Avx512:
                        owner.Quantize<Quads512>(x, row);
                        break;
                    case KernelPath.Avx2:
                        owner.Quantize<Quads256>(x, row);
                        break;
                    case KernelPath.Vector128:
                        owner.Quantize<Quads128>(x, row);
                        break;
                    default:
                        owner.QuantizeScalar(x, row);
                        break;
                }
            }
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private void Quantize<TQuads>(float* x, int row)
        where TQuads : struct, IQuads<TQuads>
    {
        var magnitude = TQuads.Broadcast(int.MaxValue);
        var quants = Quants + (long)row * _columns;
        var scales = Scales + (long)row * (_columns / blockColumns);
        var sums = Sums + (long)row * (_columns / SumColumns);
        x += (long)row * _columns;
        for (var first = 0; first < _columns; first += blockColumns)
        {
            // Magnitudes compare as their bits do, and what is not a number is larger than all.
            var largest = TQuads.Load(x + first) & magnitude;
            for (var i = TQuads.Count; i < blockColumns; i += TQuads.Count)
                largest = TQuads.Max(largest, TQuads.Load(x + first + i) & magnitude);
            var (scale, inverse) = ScaleOf(largest.Largest());
            scales[first / blockColumns] = scale;
            for (var i = first; i < first + blockColumns; i += SumColumns)
            {
                var sum = TQuads.Broadcast(0);
                for (var j = i; j < i + SumColumns; j += TQuads.Count)
                {
                    var rounded = TQuads.Round(x + j, inverse);
                    rounded.StoreBytes(quants + j);
                    sum += rounded;
                }
                sums[i / SumColumns] = (short)sum.Sum();
            }
        }
    }

    /// <summary>The definition.</summary>
    private void QuantizeScalar(float* x, int row)
    {
        var quants = Quants + (long)row * _columns;
        x += (long)row * _columns;
        for (var first = 0; first < _columns; first += blockColumns)
        {
            var largest = 0;
            for (var i = first; i < first + blockColumns; i++)
                largest = Math.Max(largest, BitConverter.SingleToInt32Bits(x[i]) & int.MaxValue);
            var (scale, inverse) = ScaleOf(largest);
            Scales[((long)row * _columns + first) / blockColumns] = scale;
            for (var i = first; i < first + blockColumns; i += SumColumns)
            {
                var sum = 0;
                for (var j = i; j < i + SumColumns; j++)
                {
                    const float rounder = 12582912f;
                    var rounded = BitConverter.SingleToInt32Bits(x[j] * inverse + rounder) - BitConverter.SingleToInt32Bits(rounder);
                    quants[j] = (sbyte)rounded;
                    sum += rounded;
                }
                Sums[((long)row * _columns + i) / SumColumns] = (short)sum;
            }
        }
    }

    private static (float Scale, float Inverse) ScaleOf(int largestBits)
    {
        var largest = BitConverter.Int32BitsToSingle(largestBits);
        // Below this the inverse is not finite; such values are zero beside anything that a layer adds to them.
        return largest < 1e-35f ? (0, 0) : (largest / 127, 127 / largest);
    }
}
