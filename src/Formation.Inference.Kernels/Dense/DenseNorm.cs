using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using Formation.Inference.Kernels.Threading;

namespace Formation.Inference.Kernels.Dense;

/// <summary>RMS normalisation of rows and its gradients: y = gain * x / sqrt(mean(x^2) + epsilon).</summary>
public static unsafe class DenseNorm
{
    /// <summary>
    /// Rows whose gain gradients are summed together; fixed, so that the order of summing does not depend on the threads.
    /// </summary>
    private const int BlockRows = 64;

    /// <param name="team">Who works.</param>
    /// <param name="x">At least (rows, width).</param>
    /// <param name="gain">(1, width).</param>
    /// <param name="y">At least (rows, width).</param>
    /// <param name="inverse">At least (1, rows): 1 / sqrt(mean(x^2) + epsilon) of each row, which the gradient needs.</param>
    /// <param name="rows">Rows that count.</param>
    /// <param name="epsilon">Keeps the root away from zero.</param>
    public static void Forward(
        WorkerTeam team, DenseMatrix x, DenseMatrix gain, DenseMatrix y, DenseMatrix inverse, int rows, float epsilon)
    {
        var width = x.Columns;
        DenseJob.Run(
            team, Blocks(rows),
            (block, _) =>
            {
                for (var row = block * BlockRows; row < Math.Min(rows, (block + 1) * BlockRows); row++)
                {
                    float* input = x.Pointer + (nint)row * width, output = y.Pointer + (nint)row * width, gains = gain.Pointer;
                    var scale = 1f / MathF.Sqrt(DenseMath.Dot(input, input, width) / width + epsilon);
                    inverse.Pointer[row] = scale;
                    ScaleBy(input, gains, scale, output, width);
                }
            });
    }

    /// <summary>dx += the input's gradient; dgain += the gain's.</summary>
    /// <param name="partial">Scratch of at least (ceil(rows / 64), width).</param>
    public static void Backward(
        WorkerTeam team, DenseMatrix x, DenseMatrix gain, DenseMatrix inverse, DenseMatrix dy, DenseMatrix dx, DenseMatrix dgain,
        DenseMatrix partial, int rows)
    {
        var width = x.Columns;
        DenseJob.Run(
            team, Blocks(rows),
            (block, _) =>
            {
                var sums = partial.Pointer + (nint)block * width;
                new Span<float>(sums, width).Clear();
                for (var row = block * BlockRows; row < Math.Min(rows, (block + 1) * BlockRows); row++)
                    BackwardRow(
                        x.Pointer + (nint)row * width, gain.Pointer, inverse.Pointer[row], dy.Pointer + (nint)row * width,
                        dx.Pointer + (nint)row * width, sums, width);
            });
        for (var block = 0; block < Blocks(rows); block++)
            DenseMath.AddScaled(dgain.Pointer, partial.Pointer + (nint)block * width, 1f, width);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void BackwardRow(float* x, float* gain, float scale, float* dy, float* dx, float* dgain, int width)
    {
        // With n = x * scale and g = dy * gain: dx = scale * (g - n * mean(g n)), dgain = dy n.
        var scales = Vector512.Create(scale);
        var sums = Vector512<float>.Zero;
        var i = 0;
        for (; i + 16 <= width; i += 16)
        {
            var weighted = Vector512.Load(dy + i) * (Vector512.Load(x + i) * scales);
            (Vector512.Load(dgain + i) + weighted).Store(dgain + i);
            sums = Vector512.FusedMultiplyAdd(weighted, Vector512.Load(gain + i), sums);
        }
        var projection = DenseMath.Sum(sums);
        for (; i < width; i++)
        {
            var weighted = dy[i] * (x[i] * scale);
            dgain[i] += weighted;
            projection += weighted * gain[i];
        }

        projection /= width;
        var factors = Vector512.Create(scale * projection);
        for (i = 0; i + 16 <= width; i += 16)
        {
            var change = Vector512.Load(dy + i) * Vector512.Load(gain + i) - Vector512.Load(x + i) * factors;
            Vector512.FusedMultiplyAdd(scales, change, Vector512.Load(dx + i)).Store(dx + i);
        }
        for (; i < width; i++)
            dx[i] += scale * (dy[i] * gain[i] - x[i] * (scale * projection));
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void ScaleBy(float* x, float* gain, float scale, float* y, int width)
    {
        var scales = Vector512.Create(scale);
        var i = 0;
        for (; i + 16 <= width; i += 16)
            (Vector512.Load(x + i) * scales * Vector512.Load(gain + i)).Store(y + i);
        for (; i < width; i++)
            y[i] = x[i] * scale * gain[i];
    }

    private static int Blocks(int rows) => (rows + BlockRows - 1) / BlockRows;
}
