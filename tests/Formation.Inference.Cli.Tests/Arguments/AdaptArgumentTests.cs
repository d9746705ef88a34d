using Formation.Inference.Cli.Arguments;
using Formation.Inference.Cluster.Deployments.Adapting;

namespace Formation.Inference.Cli.Tests.Arguments;

public sealed class AdaptArgumentTests
{
    [Fact]
    public void What_is_given_is_taken_and_the_rest_keeps_its_default()
    {
        Assert.Equal(new AdaptOptions(), AdaptArgument.Parse([]));
        Assert.Equal(
            new AdaptOptions
            {
                MoveGain = 0.3,
                MoveAfter = TimeSpan.FromMinutes(1),
                MovePause = TimeSpan.FromHours(1),
                GrowAbove = 0.9,
                GrowAfter = TimeSpan.FromSeconds(5),
                ShrinkBelow = 0.25,
                ShrinkAfter = TimeSpan.FromMinutes(3),
                Farewell = TimeSpan.FromSeconds(20),
                LongestFarewell = TimeSpan.FromMinutes(4),
            },
            AdaptArgument.Parse(
            [
                "move-gain=30%", "move-after=1m", "move-pause=1h", "grow-above=90%", "grow-after=5s", "shrink-below=25%", "shrink-after=3m", "farewell=20s",
                "longest-farewell=4m",
            ]));
    }

    [Theory]
    [InlineData("")]
    [InlineData("move-after")]
    [InlineData("move-after=soon")]
    [InlineData("move-gain=20")]
    [InlineData("move-gain=0%")]
    [InlineData("grow-above=101%")]
    [InlineData("speed=20%")]
    public void Anything_else_is_refused_by_name(string given) =>
        Assert.Contains($"'{given}'", Assert.Throws<CommandException>(() => AdaptArgument.Parse([given])).Message, StringComparison.Ordinal);
}
