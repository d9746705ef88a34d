using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using Formation.Inference.Kernels.Threading;

namespace Formation.Inference.Kernels.Dense;

/// <summary>The numbers of one AdamW update.</summary>
/// <param name="LearningRate">Step size.</param>
/// <param name="Beta1">Decay of the mean of gradients.</param>
/// <param name="Beta2">Decay of the mean of squared gradients.</param>
/// <param name="Epsilon">Keeps the division away from zero.</param>
/// <param name="WeightDecay">Share of the value taken away for each unit of learning rate.</param>
/// <param name="GradientScale">What every gradient is multiplied with first (clipping).</param>
/// <param name="Correction1">1 / (1 - Beta1^step).</param>
/// <param name="Correction2">1 / (1 - Beta2^step).</param>
public readonly record struct AdamWStep(
    float LearningRate, float Beta1, float Beta2, float Epsilon, float WeightDecay, float GradientScale, float Correction1, float Correction2);

/// <summary>The AdamW update of a parameter, and the norm that clipping needs.</summary>
public static unsafe class DenseAdamW
{
    private const int ItemValues = 16 * 1024;

    /// <summary>Updates values and both moments and clears the gradient. All four have one shape.</summary>
    public static void Update(
        WorkerTeam team, DenseMatrix value, DenseMatrix gradient, DenseMatrix mean, DenseMatrix square, AdamWStep step)
    {
        var total = value.Rows * value.Columns;
        DenseJob.Run(
            team, (total + ItemValues - 1) / ItemValues,
            (item, _) =>
            {
                var start = item * ItemValues;
                UpdateRange(
                    value.Pointer + start, gradient.Pointer + start, mean.Pointer + start, square.Pointer + start,
                    Math.Min(ItemValues, total - start), step);
            });
    }

    /// <summary>The sum of squares, in double precision and a fixed order.</summary>
    public static double SumOfSquares(WorkerTeam team, DenseMatrix x)
    {
        var total = x.Rows * x.Columns;
        var parts = new double[(total + ItemValues - 1) / ItemValues];
        DenseJob.Run(
            team, parts.Length,
            (item, _) =>
            {
                var values = x.Pointer + item * ItemValues;
                parts[item] = DenseMath.Dot(values, values, Math.Min(ItemValues, total - item * ItemValues));
            });
        var sum = 0.0;
        foreach (var part in parts)
            sum += part;
        return sum;
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void UpdateRange(float* value, float* gradient, float* mean, float* square, int count, AdamWStep step)
    {
        Vector512<float> beta1 = Vector512.Create(step.Beta1), rest1 = Vector512.Create(1f - step.Beta1);
        Vector512<float> beta2 = Vector512.Create(step.Beta2), rest2 = Vector512.Create(1f - step.Beta2);
        Vector512<float> scale = Vector512.Create(step.GradientScale), keep = Vector512.Create(1f - step.LearningRate * step.WeightDecay);
        Vector512<float> rate = Vector512.Create(-step.LearningRate * step.Correction1), correction2 = Vector512.Create(step.Correction2);
        var epsilon = Vector512.Create(step.Epsilon);
        var i = 0;
        for (; i + 16 <= count; i += 16)
        {
            var g = Vector512.Load(gradient + i) * scale;
            var m = Vector512.FusedMultiplyAdd(beta1, Vector512.Load(mean + i), rest1 * g);
            var s = Vector512.FusedMultiplyAdd(beta2, Vector512.Load(square + i), rest2 * g * g);
            m.Store(mean + i);
            s.Store(square + i);
            var direction = m / (Vector512.Sqrt(s * correction2) + epsilon);
            Vector512.FusedMultiplyAdd(rate, direction, Vector512.Load(value + i) * keep).Store(value + i);
            Vector512<float>.Zero.Store(gradient + i);
        }
        for (; i < count; i++)
        {
            var g = gradient[i] * step.GradientScale;
            mean[i] = MathF.FusedMultiplyAdd(step.Beta1, mean[i], (1f - step.Beta1) * g);
            square[i] = MathF.FusedMultiplyAdd(step.Beta2, square[i], (1f - step.Beta2) * g * g);
            var direction = mean[i] / (MathF.Sqrt(square[i] * step.Correction2) + step.Epsilon);
            value[i] = MathF.FusedMultiplyAdd(rate[0], direction, value[i] * keep[0]);
            gradient[i] = 0f;
        }
    }
}
