namespace Formation.Inference.Training.Tests;

public sealed class SeededRandomTests
{
    [Fact]
    public void The_first_numbers_are_those_of_SplitMix64()
    {
        // The published reference values for seed 1234567.
        var random = new SeededRandom(1234567);

        Assert.Equal([6457827717110365317UL, 3203168211198807973UL, 9817491932198370423UL], [random.NextBits(), random.NextBits(), random.NextBits()]);
    }

    [Fact]
    public void The_state_continues_the_sequence()
    {
        var random = new SeededRandom(9);
        random.NextBits();
        var copy = new SeededRandom(random.State);

        Assert.Equal(random.NextBits(), copy.NextBits());
    }

    [Fact]
    public void Every_value_below_the_limit_comes_up_about_equally_often()
    {
        var random = new SeededRandom(1);
        var counts = new int[7];
        for (var i = 0; i < 70_000; i++)
            counts[random.Next(7)]++;

        Assert.All(counts, count => Assert.InRange(count, 9_500, 10_500));
    }

    [Fact]
    public void Normal_numbers_have_mean_zero_and_deviation_one()
    {
        var random = new SeededRandom(2);
        var numbers = Enumerable.Range(0, 40_000).Select(_ => random.NextNormal()).ToArray();

        Assert.Equal(0, numbers.Average(), 0.02);
        Assert.Equal(1, numbers.Average(n => n * n), 0.03);
    }
}
