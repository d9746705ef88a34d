using Formation.Inference.Cli.Arguments;

namespace Formation.Inference.Cli.Tests.Arguments;

public sealed class GroupArgumentTests
{
    [Theory]
    [InlineData("1", 1)]
    [InlineData("8", 8)]
    [InlineData("auto", null)]
    public void A_number_of_nodes_or_the_fastest_one(string text, int? size)
    {
        Assert.True(GroupArgument.TryParse(text, out var group));
        Assert.Equal(new GroupArgument(size), group);
    }

    [Theory]
    [InlineData("")]
    [InlineData("0")]
    [InlineData("9")]
    [InlineData("-2")]
    [InlineData(" 2")]
    [InlineData("Auto")]
    [InlineData("two")]
    public void Anything_else_is_refused(string text) => Assert.False(GroupArgument.TryParse(text, out _));
}
