using System.Runtime.CompilerServices;
using Formation.Inference.Kernels.Packing;
using Formation.Inference.Kernels.Vectors;

namespace Formation.Inference.Kernels.Tiles;

/// <summary>
/// Products of a panel of float32 with float32 activations. Every output adds its products in the order of the columns, a panel's sum apart
/// from the others', so that errors do not grow with the number of columns.
/// </summary>
internal static unsafe class FloatTile<TFloats>
    where TFloats : struct, IFloats<TFloats>
{
    /// <summary>Rows that are computed together; sums need to have room for a multiple of it.</summary>
    internal const int Rows = 4;

    private const int Outputs = FloatPanel.Outputs;

    /// <summary>Adds the products of a panel to the sums.</summary>
    /// <param name="panel">Shape: (columns, <see cref="Outputs"/>).</param>
    /// <param name="columns">Columns in use.</param>
    /// <param name="x">Shape: (rows, columns), rows <paramref name="stride"/> floats apart.</param>
    /// <param name="rows">Rows that there are; the sums of rows up to the next multiple of four are overwritten with what has no meaning.</param>
    /// <param name="sums">Shape: (rows, <see cref="Outputs"/>).</param>
    internal static void Accumulate(float* panel, int columns, float* x, nint stride, int rows, float* sums)
    {
        var row = 0;
        for (; rows - row > 2; row += Rows)
            FourRows(panel, columns, x + row * stride, stride, Math.Min(Rows, rows - row) - 1, sums + row * Outputs);
        for (; row < rows; row++)
            OneRow(panel, columns, x + row * stride, sums + row * Outputs);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void FourRows(float* panel, int columns, float* x, nint stride, int lastRow, float* sums)
    {
        float* x1 = x + Math.Min(1, lastRow) * stride, x2 = x + Math.Min(2, lastRow) * stride, x3 = x + Math.Min(3, lastRow) * stride;
        for (var lane = 0; lane < Outputs; lane += 2 * TFloats.Count)
        {
            var zero = TFloats.Broadcast(0);
            TFloats sum00 = zero, sum01 = zero, sum10 = zero, sum11 = zero, sum20 = zero, sum21 = zero, sum30 = zero, sum31 = zero;
            var weights = panel + lane;
            for (nint column = 0; column < columns; column++, weights += Outputs)
            {
                var weight0 = TFloats.Load(weights);
                var weight1 = TFloats.Load(weights + TFloats.Count);
                var input = TFloats.Broadcast(x[column]);
                sum00 = TFloats.MultiplyAdd(weight0, input, sum00);
                sum01 = TFloats.MultiplyAdd(weight1, input, sum01);
                input = TFloats.Broadcast(x1[column]);
                sum10 = TFloats.MultiplyAdd(weight0, input, sum10);
                sum11 = TFloats.MultiplyAdd(weight1, input, sum11);
                input = TFloats.Broadcast(x2[column]);
                sum20 = TFloats.MultiplyAdd(weight0, input, sum20);
                sum21 = TFloats.MultiplyAdd(weight1, input, sum21);
                input = TFloats.Broadcast(x3[column]);
                sum30 = TFloats.MultiplyAdd(weight0, input, sum30);
                sum31 = TFloats.MultiplyAdd(weight1, input, sum31);
            }
            Add(sum00, sum01, sums + lane);
            Add(sum10, sum11, sums + Outputs + lane);
            Add(sum20, sum21, sums + 2 * Outputs + lane);
            Add(sum30, sum31, sums + 3 * Outputs + lane);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void OneRow(float* panel, int columns, float* x, float* sums)
    {
        for (var lane = 0; lane < Outputs; lane += 2 * TFloats.Count)
        {
            TFloats sum0 = TFloats.Broadcast(0), sum1 = sum0;
            var weights = panel + lane;
            for (nint column = 0; column < columns; column++, weights += Outputs)
            {
                var input = TFloats.Broadcast(x[column]);
                sum0 = TFloats.MultiplyAdd(TFloats.Load(weights), input, sum0);
                sum1 = TFloats.MultiplyAdd(TFloats.Load(weights + TFloats.Count), input, sum1);
            }
            Add(sum0, sum1, sums + lane);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Add(TFloats sum0, TFloats sum1, float* sums)
    {
        (TFloats.Load(sums) + sum0).Store(sums);
        (TFloats.Load(sums + TFloats.Count) + sum1).Store(sums + TFloats.Count);
    }
}

/// <summary>The scalar twin of the vector tile.</summary>
internal static unsafe class FloatTile
{
    internal static void AccumulateScalar(float* panel, int columns, float* x, nint stride, int rows, float* sums)
    {
        for (var row = 0; row < rows; row++)
        {
            for (var output = 0; output < FloatPanel.Outputs; output++)
            {
                var sum = 0f;
                for (var column = 0; column < columns; column++)
                    sum = float.MultiplyAddEstimate(panel[column * FloatPanel.Outputs + output], x[row * stride + column], sum);
                sums[row * FloatPanel.Outputs + output] += sum;
            }
        }
    }
}
