using Formation.Inference.Kernels.Threading;

namespace Formation.Inference.Kernels.Dense;

/// <summary>Softmax, cross entropy and their gradient in one pass over the logits.</summary>
public static unsafe class DenseCrossEntropy
{
    /// <summary>
    /// Turns each row of logits into its gradient, weight * (softmax - one-hot of the target), in place, and gives each row's loss
    /// -ln(softmax[target]) and whether the target was the likeliest value.
    /// </summary>
    /// <param name="team">Who works.</param>
    /// <param name="logits">At least (targets.Length, vocabulary).</param>
    /// <param name="targets">The right value of each row.</param>
    /// <param name="weight">What each row's gradient is multiplied with.</param>
    /// <param name="losses">At least targets.Length values.</param>
    /// <param name="hits">At least targets.Length values.</param>
    public static void LossAndGradient(
        WorkerTeam team, DenseMatrix logits, ReadOnlyMemory<int> targets, float weight, Memory<float> losses, Memory<bool> hits)
    {
        var width = logits.Columns;
        foreach (var target in targets.Span)
        {
            if ((uint)target >= (uint)width)
                throw new ArgumentOutOfRangeException(nameof(targets), target, $"a target must be in 0 to {width - 1}");
        }

        DenseJob.Run(
            team, targets.Length,
            (row, _) =>
            {
                var values = logits.Pointer + (nint)row * width;
                var target = targets.Span[row];
                var max = DenseMath.Max(values, width);
                var shifted = values[target] - max;
                hits.Span[row] = shifted == 0f;
                var sum = DenseMath.ExpShifted(values, max, width);
                losses.Span[row] = MathF.Log(sum) - shifted;
                DenseMath.Scale(values, weight / sum, width);
                values[target] -= weight;
            });
    }
}
