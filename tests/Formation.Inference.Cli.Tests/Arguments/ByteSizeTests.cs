using Formation.Inference.Cli.Arguments;

namespace Formation.Inference.Cli.Tests.Arguments;

public sealed class ByteSizeTests
{
    [Theory]
    [InlineData("4096", 4096)]
    [InlineData("512MiB", 512L << 20)]
    [InlineData("8GiB", 8L << 30)]
    [InlineData("8 gib", 8L << 30)]
    [InlineData("1.5GB", 1_500_000_000)]
    [InlineData("2G", 2L << 30)]
    [InlineData("10B", 10)]
    public void Sizes_are_read_as_people_write_them(string text, long bytes)
    {
        Assert.True(ByteSize.TryParse(text, out var parsed));
        Assert.Equal(bytes, parsed);
    }

    [Theory]
    [InlineData("")]
    [InlineData("GiB")]
    [InlineData("-1GiB")]
    [InlineData("1e9")]
    [InlineData("8 apples")]
    [InlineData("9999999999TiB")]
    [InlineData("1,5GB")]
    public void What_is_not_a_size_is_refused(string text) => Assert.False(ByteSize.TryParse(text, out _));

    [Theory]
    [InlineData(0, "0 B")]
    [InlineData(1023, "1023 B")]
    [InlineData(8_283_750, "7.9 MiB")]
    [InlineData(3L << 30, "3.0 GiB")]
    public void Sizes_are_shown_in_the_largest_unit(long bytes, string text) => Assert.Equal(text, ByteSize.Format(bytes));
}
