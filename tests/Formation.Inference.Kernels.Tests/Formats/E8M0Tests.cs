using Formation.Inference.Kernels.Formats;

namespace Formation.Inference.Kernels.Tests.Formats;

public sealed class E8M0Tests
{
    [Fact]
    public void Each_of_the_256_exponents_is_read_as_an_exact_power_of_two()
    {
        for (var exponent = 0; exponent < 256; exponent++)
            Assert.Equal(Math.Pow(2, exponent - 128), E8M0.HalfToSingle((byte)exponent));
    }

    [Theory]
    [InlineData(4, 127)]
    [InlineData(7.9999995f, 127)]
    [InlineData(8, 128)]
    [InlineData(3.9999998f, 126)]
    [InlineData(1, 125)]
    [InlineData(float.MaxValue, 252)]
    [InlineData(2.3509887e-38f, 0)]
    [InlineData(float.Epsilon, 0)]
    [InlineData(0, 0)]
    public void The_exponent_puts_the_peak_between_4_and_8_steps_where_its_range_allows(float peak, byte expected)
    {
        Assert.Equal(expected, E8M0.OfPeak(peak));
        Assert.Equal(expected, E8M0.OfPeak(-peak));
    }
}
