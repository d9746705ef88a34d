using Formation.Inference.Kernels.Dispatch;
using Formation.Inference.Kernels.Vectors;

namespace Formation.Inference.Kernels.Tiles;

/// <summary>
/// Dot products of a few weight rows with any number of activation rows, in the one order of additions that every path and every
/// batch keeps: product k goes to lane k % 16 of its pair of rows, in rising k, and the lanes are added as a fixed tree at the end.
/// </summary>
/// <remarks>So a row's result has the same bits alone and among others. See docs/adr/0002-one-reduction-order.md.</remarks>
internal static unsafe class Tile
{
    /// <summary>Partial sums of each pair of rows.</summary>
    internal const int Lanes = Sixteen.Lanes;

    /// <summary>Weight rows of a tile.</summary>
    internal const int WeightRows = 8;

    /// <summary>
    /// Most columns of a panel of weights; a multiple of every block size. Eight rows of it are half of a first-level cache.
    /// </summary>
    internal const int PanelColumns = 512;

    /// <summary>Floats of the partial sums that belong to one activation row.</summary>
    internal const int SumsOfRow = WeightRows * Lanes;

    /// <summary>Adds the products of a panel to the partial sums.</summary>
    /// <param name="weights">Shape: (<see cref="WeightRows"/>, <see cref="PanelColumns"/>), of which <paramref name="columns"/> are
    /// used.</param>
    /// <param name="x">Shape: (<paramref name="rows"/>, <paramref name="columns"/>), rows <paramref name="stride"/> floats apart.</param>
    /// <param name="sums">Shape: (<paramref name="rows"/>, <see cref="WeightRows"/>, <see cref="Lanes"/>).</param>
    internal static void Accumulate(float* weights, float* x, nint stride, int rows, int columns, float* sums, KernelPath path)
    {
        var whole = columns & -Lanes;
        switch (path)
        {
            case KernelPath.Avx512:
                VectorTile<Floats512>.Accumulate(weights, x, stride, rows, whole, sums);
                break;
            case KernelPath.Avx2:
                VectorTile<Floats256>.Accumulate(weights, x, stride, rows, whole, sums);
                break;
            case KernelPath.Vector128:
                VectorTile<Floats128>.Accumulate(weights, x, stride, rows, whole, sums);
                break;
            default:
                AccumulateScalar(weights, x, stride, rows, 0, whole, sums);
                break;
        }
        AccumulateScalar(weights, x, stride, rows, whole, columns, sums);
    }

    /// <summary>The sum of the lanes, in the one order; the lanes are used up.</summary>
    internal static float Reduce(float* lanes, KernelPath path) =>
        path == KernelPath.Scalar ? Sixteen.Sum(lanes) : Sixteen.Sum<Floats128>(lanes);

    /// <summary>The definition, and the columns that do not fill all lanes.</summary>
    private static void AccumulateScalar(float* weights, float* x, nint stride, int rows, int firstColumn, int endColumn, float* sums)
    {
        if (firstColumn == endColumn)
            return;
        for (var row = 0; row < rows; row++)
        {
            for (var weightRow = 0; weightRow < WeightRows; weightRow++)
            {
                var w = weights + weightRow * PanelColumns;
                var lanes = sums + row * SumsOfRow + weightRow * Lanes;
                for (var k = firstColumn; k < endColumn; k++)
                    lanes[k % Lanes] = float.MultiplyAddEstimate(w[k], x[row * stride + k], lanes[k % Lanes]);
            }
        }
    }
}
