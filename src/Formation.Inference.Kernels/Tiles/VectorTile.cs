using System.Runtime.CompilerServices;
using Formation.Inference.Kernels.Vectors;

namespace Formation.Inference.Kernels.Tiles;

/// <summary>
/// The vector form of <see cref="Tile.Accumulate"/>. Narrow vectors visit the lanes in groups, which changes nothing in any lane's
/// own order. Eight sums are in registers at a time: enough to hide the latency of multiply-add, and few enough for sixteen
/// registers.
/// </summary>
internal static unsafe class VectorTile<TFloats>
    where TFloats : struct, IFloats<TFloats>
{
    private const int Panel = Tile.PanelColumns;
    private const int Lanes = Sixteen.Lanes;

    internal static void Accumulate(float* weights, float* x, nint stride, int rows, int columns, float* sums)
    {
        for (var group = 0; group < Lanes; group += TFloats.Count)
        {
            var row = 0;
            for (; row + 2 <= rows; row += 2)
            {
                var pair = sums + row * Tile.SumsOfRow + group;
                TwoByFour(weights + group, x + row * stride + group, stride, columns, pair);
                TwoByFour(weights + 4 * Panel + group, x + row * stride + group, stride, columns, pair + 4 * Lanes);
            }
            if (row < rows)
                OneByEight(weights + group, x + row * stride + group, columns, sums + row * Tile.SumsOfRow + group);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void TwoByFour(float* weights, float* x, nint stride, int columns, float* sums)
    {
        var next = sums + Tile.SumsOfRow;
        var sum00 = TFloats.Load(sums);
        var sum01 = TFloats.Load(sums + Lanes);
        var sum02 = TFloats.Load(sums + 2 * Lanes);
        var sum03 = TFloats.Load(sums + 3 * Lanes);
        var sum10 = TFloats.Load(next);
        var sum11 = TFloats.Load(next + Lanes);
        var sum12 = TFloats.Load(next + 2 * Lanes);
        var sum13 = TFloats.Load(next + 3 * Lanes);
        for (nint k = 0; k < columns; k += Lanes)
        {
            var x0 = TFloats.Load(x + k);
            var x1 = TFloats.Load(x + stride + k);
            var w = TFloats.Load(weights + k);
            sum00 = TFloats.MultiplyAdd(w, x0, sum00);
            sum10 = TFloats.MultiplyAdd(w, x1, sum10);
            w = TFloats.Load(weights + Panel + k);
            sum01 = TFloats.MultiplyAdd(w, x0, sum01);
            sum11 = TFloats.MultiplyAdd(w, x1, sum11);
            w = TFloats.Load(weights + 2 * Panel + k);
            sum02 = TFloats.MultiplyAdd(w, x0, sum02);
            sum12 = TFloats.MultiplyAdd(w, x1, sum12);
            w = TFloats.Load(weights + 3 * Panel + k);
            sum03 = TFloats.MultiplyAdd(w, x0, sum03);
            sum13 = TFloats.MultiplyAdd(w, x1, sum13);
        }
        sum00.Store(sums);
        sum01.Store(sums + Lanes);
        sum02.Store(sums + 2 * Lanes);
        sum03.Store(sums + 3 * Lanes);
        sum10.Store(next);
        sum11.Store(next + Lanes);
        sum12.Store(next + 2 * Lanes);
        sum13.Store(next + 3 * Lanes);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void OneByEight(float* weights, float* x, int columns, float* sums)
    {
        var sum0 = TFloats.Load(sums);
        var sum1 = TFloats.Load(sums + Lanes);
        var sum2 = TFloats.Load(sums + 2 * Lanes);
        var sum3 = TFloats.Load(sums + 3 * Lanes);
        var sum4 = TFloats.Load(sums + 4 * Lanes);
        var sum5 = TFloats.Load(sums + 5 * Lanes);
        var sum6 = TFloats.Load(sums + 6 * Lanes);
        var sum7 = TFloats.Load(sums + 7 * Lanes);
        for (nint k = 0; k < columns; k += Lanes)
        {
            var x0 = TFloats.Load(x + k);
            sum0 = TFloats.MultiplyAdd(TFloats.Load(weights + k), x0, sum0);
            sum1 = TFloats.MultiplyAdd(TFloats.Load(weights + Panel + k), x0, sum1);
            sum2 = TFloats.MultiplyAdd(TFloats.Load(weights + 2 * Panel + k), x0, sum2);
            sum3 = TFloats.MultiplyAdd(TFloats.Load(weights + 3 * Panel + k), x0, sum3);
            sum4 = TFloats.MultiplyAdd(TFloats.Load(weights + 4 * Panel + k), x0, sum4);
            sum5 = TFloats.MultiplyAdd(TFloats.Load(weights + 5 * Panel + k), x0, sum5);
            sum6 = TFloats.MultiplyAdd(TFloats.Load(weights + 6 * Panel + k), x0, sum6);
            sum7 = TFloats.MultiplyAdd(TFloats.Load(weights + 7 * Panel + k), x0, sum7);
        }
        sum0.Store(sums);
        sum1.Store(sums + Lanes);
        sum2.Store(sums + 2 * Lanes);
        sum3.Store(sums + 3 * Lanes);
        sum4.Store(sums + 4 * Lanes);
        sum5.Store(sums + 5 * Lanes);
        sum6.Store(sums + 6 * Lanes);
        sum7.Store(sums + 7 * Lanes);
    }
}
