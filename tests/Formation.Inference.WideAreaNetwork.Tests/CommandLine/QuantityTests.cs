using Formation.Inference.WideAreaNetwork.CommandLine;

namespace Formation.Inference.WideAreaNetwork.Tests.CommandLine;

public sealed class QuantityTests
{
    [Theory]
    [InlineData("10ms", 10_000)]
    [InlineData("250us", 250)]
    [InlineData("1.5s", 1_500_000)]
    public void Times_have_a_unit(string text, long microseconds)
    {
        Assert.True(Quantity.TryDuration(text, out var duration));
        Assert.Equal(TimeSpan.FromMicroseconds(microseconds), duration);
    }

    [Theory]
    [InlineData("200Mbit", 200_000_000)]
    [InlineData("1gbit", 1_000_000_000)]
    [InlineData("56kbit", 56_000)]
    [InlineData("9600bit", 9600)]
    public void Rates_are_in_bits(string text, long bits)
    {
        Assert.True(Quantity.TryRate(text, out var rate));
        Assert.Equal(bits, rate);
    }

    [Fact]
    public void Shares_are_in_hundredths()
    {
        Assert.True(Quantity.TryShare("0.5%", out var share));
        Assert.Equal(0.005, share, 12);
    }

    [Theory]
    [InlineData("10")]
    [InlineData("ms")]
    [InlineData("-10ms")]
    [InlineData("1e9s")]
    [InlineData("99999999s")]
    public void Anything_else_is_no_time(string text) => Assert.False(Quantity.TryDuration(text, out _));

    [Theory]
    [InlineData("200MB")]
    [InlineData("Infinitybit")]
    [InlineData("99999999999Gbit")]
    public void Anything_else_is_no_rate(string text) => Assert.False(Quantity.TryRate(text, out _));

    [Theory]
    [InlineData("101%")]
    [InlineData("0.1")]
    public void Anything_else_is_no_share(string text) => Assert.False(Quantity.TryShare(text, out _));
}
