using Formation.Inference.Kernels.Dense;

namespace Formation.Inference.Kernels.Tests.Dense;

public sealed class DenseMathTests
{
    [Fact]
    public void The_exponential_is_right_to_two_units_in_the_last_place()
    {
        for (var x = -86.9f; x < 88f; x += 0.037f)
        {
            var exact = Math.Exp(x);
            Assert.True(Math.Abs(DenseMath.Exp(x) - exact) <= 2.5e-7 * exact, $"e^{x} is {DenseMath.Exp(x)}, not {exact}");
        }
    }

    [Fact]
    public void The_exponential_of_zero_is_one_and_of_very_small_numbers_zero()
    {
        Assert.Equal(1f, DenseMath.Exp(0f));
        Assert.Equal(0f, DenseMath.Exp(-88f));
        Assert.Equal(0f, DenseMath.Exp(float.NegativeInfinity));
    }

    [Fact]
    public void Adam_moves_the_tail_of_a_row_like_its_vectors()
    {
        using var team = new Formation.Inference.Kernels.Threading.WorkerTeam(1);
        using DenseMatrix value = new(1, 19), gradient = new(1, 19), mean = new(1, 19), square = new(1, 19);
        value.Values.Fill(0.5f);
        gradient.Values.Fill(0.25f);

        DenseAdamW.Update(team, value, gradient, mean, square, new AdamWStep(0.01f, 0.9f, 0.98f, 1e-8f, 0.1f, 0.5f, 10f, 50f));

        // One step from zero moments: the direction is 1, so the value falls by the rate and by rate * decay of itself.
        Assert.All(value.Values.ToArray(), v => Assert.Equal(0.5f * (1 - 0.001f) - 0.01f, v, 1e-6));
        Assert.All(gradient.Values.ToArray(), g => Assert.Equal(0f, g));
        Assert.Single(value.Values.ToArray().Distinct());
    }
}
