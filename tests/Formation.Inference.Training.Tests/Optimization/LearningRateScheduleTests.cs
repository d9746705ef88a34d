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
}
