using Formation.Inference.Engine.Speculation.Planning;

namespace Formation.Inference.Engine.Tests.Speculation.Planning;

public sealed class StepCostsTests
{
    readonly StepCosts _costs = new();

    [Fact]
    public void Nothing_is_estimated_before_the_first_measurement() => Assert.Null(_costs.Estimate(1));

    [Fact]
    public void The_middle_of_the_last_three_counts_and_of_two_the_lower()
    {
        _costs.Add(1, 50);
        Assert.Equal(50, _costs.Estimate(1));
        _costs.Add(1, 4);
        Assert.Equal(4, _costs.Estimate(1));
        _costs.Add(1, 6);
        Assert.Equal(6, _costs.Estimate(1));
        _costs.Add(1, 900);
        Assert.Equal(6, _costs.Estimate(1));
        _costs.Add(1, 800);
        Assert.Equal(800, _costs.Estimate(1));
        Assert.Equal(5, _costs.CountOf(1));
    }

    [Fact]
    public void Between_two_measured_numbers_of_rows_the_cost_is_a_line()
    {
        _costs.Add(2, 10);
        _costs.Add(6, 30);
        Assert.Equal([10, 15, 20, 25, 30], Enumerable.Range(2, 5).Select(rows => _costs.Estimate(rows)!.Value));
    }

    [Fact]
    public void Beyond_what_was_measured_rows_are_cheap_so_that_they_are_tried()
    {
        _costs.Add(4, 16);
        Assert.InRange(_costs.Estimate(8)!.Value, 16.1, 24);
        Assert.InRange(_costs.Estimate(1)!.Value, 8, 15.9);
    }

    [Fact]
    public void The_age_counts_all_measured_steps()
    {
        _costs.Add(1, 1);
        _costs.Add(3, 1);
        _costs.Add(StepCosts.MaxRows + 1, 1);
        Assert.Equal((2, 1), (_costs.AgeOf(1), _costs.AgeOf(3)));
    }
}
