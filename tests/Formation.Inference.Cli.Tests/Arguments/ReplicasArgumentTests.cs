using Formation.Inference.Cli.Arguments;

namespace Formation.Inference.Cli.Tests.Arguments;

public sealed class ReplicasArgumentTests
{
    [Theory]
    [InlineData("2", 2, null)]
    [InlineData("1-4", 1, 4)]
    [InlineData("3-3", 3, 3)]
    public void A_number_or_two_bounds_are_read(string text, int least, int? most)
    {
        Assert.True(ReplicasArgument.TryParse(text, out var replicas));
        Assert.Equal(new ReplicasArgument(least, most), replicas);
    }

    [Theory]
    [InlineData("")]
    [InlineData("0")]
    [InlineData("-2")]
    [InlineData("2-")]
    [InlineData("4-1")]
    [InlineData("0-3")]
    [InlineData("1-2-3")]
    [InlineData("1-9999")]
    [InlineData("one")]
    public void Anything_else_is_refused(string text) => Assert.False(ReplicasArgument.TryParse(text, out _));
}
