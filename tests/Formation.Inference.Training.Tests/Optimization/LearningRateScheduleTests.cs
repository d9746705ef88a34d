using Formation.Inference.Training.Optimization;

namespace Formation.Inference.Training.Tests.Optimization;

public sealed class LearningRateScheduleTests
{
    private static readonly LearningRateSchedule Schedule = new(Peak: 1.0, WarmUpTokens: 99, DecayTokens: 400, TotalTokens: 1000);

    [Theory]
    [InlineData(0, 0.01)]
    [InlineData(49, 0.5)]
    [InlineData(99, 1.0)]
    [InlineData(600, 1.0)]
    [InlineData(800, 0.5)]
    [InlineData(999, LearningRateSchedule.FinalShare)]
    public void The_rate_warms_up_stays_and_falls(long tokens, double expected) => Assert.Equal(expected, Schedule.At(tokens), 1e-9);

    [Theory]
    [InlineData(999, LearningRateSchedule.FinalShare)]
    [InlineData(1000, 0.5)]
    [InlineData(1100, 0.25)]
    [InlineData(1199, 0.5 * LearningRateSchedule.FinalShare)]
    public void A_second_cycle_falls_from_half_the_peak(long tokens, double expected) =>
        Assert.Equal(expected, (Schedule with { TotalTokens = 1200, SecondCycleTokens = 200 }).At(tokens), 1e-9);
}
