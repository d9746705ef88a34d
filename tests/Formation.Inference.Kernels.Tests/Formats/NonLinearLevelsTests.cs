using Formation.Inference.Kernels.Formats;

namespace Formation.Inference.Kernels.Tests.Formats;

public sealed class NonLinearLevelsTests
{
    [Fact]
    public void The_levels_of_E2M1_are_twice_the_numbers_that_its_four_bits_stand_for()
    {
        for (var bits = 0; bits < 16; bits++)
        {
            int exponent = (bits >> 1) & 3, mantissa = bits & 1;
            var magnitude = exponent == 0 ? 0.5 * mantissa : Math.Pow(2, exponent - 1) * (1 + 0.5 * mantissa);
            Assert.Equal(2 * (bits < 8 ? magnitude : -magnitude), NonLinearLevels.E2M1[bits]);
        }
    }

    [Fact]
    public void The_nearest_level_is_found_for_every_number_and_the_lower_of_two_as_near()
    {
        for (var number = -140.0; number <= 140; number += 0.125)
        {
            AssertNearest(NonLinearLevels.IQ4, number);
            AssertNearest(NonLinearLevels.E2M1[..8], number);
        }
    }

    private static void AssertNearest(ReadOnlySpan<sbyte> levels, double number)
    {
        var expected = 0;
        for (var i = 1; i < levels.Length; i++)
        {
            if (Math.Abs(number - levels[i]) < Math.Abs(number - levels[expected]))
                expected = i;
        }
        Assert.Equal(expected, NonLinearLevels.Nearest(levels, number));
    }
}
