using Formation.Inference.Engine.Sampling;

namespace Formation.Inference.Engine.Tests.Sampling;

public sealed class PhiloxTests
{
    // The known answers that the authors publish with their library (Random123, kat_vectors, philox4x32 10).
    [Theory]
    [InlineData(0u, 0u, 0u, 0u, 0u, 0u, 0x6627e8d5u, 0xe169c58du, 0xbc57ac4cu, 0x9b00dbd8u)]
    [InlineData(~0u, ~0u, ~0u, ~0u, ~0u, ~0u, 0x408f276du, 0x41c83b0eu, 0xa20bc7c6u, 0x6d5451fdu)]
    [InlineData(0x243f6a88u, 0x85a308d3u, 0x13198a2eu, 0x03707344u, 0xa4093822u, 0x299f31d0u, 0xd16cfe09u, 0x94fdccebu, 0x5001e420u, 0x24126ea1u)]
    public void The_published_answers_come_out(
        uint c0, uint c1, uint c2, uint c3, uint k0, uint k1, uint r0, uint r1, uint r2, uint r3) =>
        Assert.Equal((r0, r1, r2, r3), Philox.Block(c0, c1, c2, c3, k0, k1));

    [Fact]
    public void Numbers_are_uniform_in_the_unit_interval()
    {
        var bins = new int[20];
        for (var position = 0; position < 100_000; position++)
        {
            var number = Philox.NextDouble(7, 0, position);
            Assert.InRange(number, 0, 1 - 1e-16);
            bins[(int)(number * 20)]++;
        }

        // Chi-square with 19 degrees of freedom: 43.8 is the 99.9 % point, and the seed is fixed.
        Assert.InRange(bins.Sum(count => Math.Pow(count - 5000, 2) / 5000), 0, 43.8);
    }

    [Fact]
    public void Seed_choice_and_position_each_change_the_number() =>
        Assert.Equal(4, new[] { Next(1, 0, 0), Next(1, 1, 0), Next(1, 0, 1), Next(1L << 32, 0, 0) }.Distinct().Count());

    static double Next(long seed, int choice, int position) => Philox.NextDouble(seed, choice, position);
}
