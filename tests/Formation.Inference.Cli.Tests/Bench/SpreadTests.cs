using Formation.Inference.Cli.Bench;

namespace Formation.Inference.Cli.Tests.Bench;

public sealed class SpreadTests
{
    [Fact]
    public void The_median_of_an_odd_number_of_values_is_the_middle_one() =>
        Assert.Equal(new Spread(3, 1, 9), Spread.Of([9, 1, 3]));

    [Fact]
    public void The_median_of_an_even_number_of_values_is_the_mean_of_the_middle_two() =>
        Assert.Equal(new Spread(2.5, 1, 9), Spread.Of([9, 1, 3, 2]));

    [Theory]
    [InlineData(1234.56, 1235)]
    [InlineData(12.3456, 12.35)]
    [InlineData(0.0012346, 0.001235)]
    [InlineData(0, 0)]
    public void Four_digits_are_kept(double value, double kept) => Assert.Equal(kept, Spread.Rounded(value), 12);
}
