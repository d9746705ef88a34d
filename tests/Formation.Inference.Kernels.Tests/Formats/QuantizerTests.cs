using Formation.Inference.Kernels.Formats;

namespace Formation.Inference.Kernels.Tests.Formats;

public sealed class QuantizerTests
{
    /// <summary>
    /// The published errors: root mean square error of the round trip of normally distributed values, relative to their own root
    /// mean square, and the largest error relative to the largest magnitude in the block.
    /// </summary>
    public static TheoryData<TensorType, double, double> PublishedErrors() => new()
    {
        { TensorType.F32, 0, 0 },
        { TensorType.F16, 0.00025, 0.0005 },
        { TensorType.BF16, 0.002, 0.004 },
        { TensorType.Q8_0, 0.006, 0.0045 },
        { TensorType.Q6_K, 0.022, 0.03 },
        { TensorType.Q5_1, 0.04, 0.036 },
        { TensorType.Q5_0, 0.045, 0.064 },
        { TensorType.Q5_K, 0.045, 0.04 },
        { TensorType.Q4_1, 0.085, 0.07 },
        { TensorType.Q4_0, 0.095, 0.13 },
        { TensorType.Q4_K, 0.09, 0.07 },
        { TensorType.Q3_K, 0.19, 0.26 },
        { TensorType.Q2_K, 0.38, 0.38 },
        { TensorType.IQ4_NL, 0.08, 0.13 },
        { TensorType.IQ4_XS, 0.08, 0.13 },
        { TensorType.MXFP4, 0.125, 0.25 },
    };

    [Theory]
    [MemberData(nameof(PublishedErrors))]
    public void A_round_trip_stays_within_the_published_error(TensorType type, double relativeError, double largestError)
    {
        const int count = 256 * 40;
        var values = RandomRows.Values(count, seed: 3, scale: 0.05f);
        var restored = new float[count];
        Dequantizer.Row(type, RandomRows.Quantized(type, values), restored);

        double error = 0, power = 0, largest = 0;
        for (var block = 0; block < count; block += 256)
        {
            var peak = values.AsSpan(block, 256).ToArray().Max(MathF.Abs);
            for (var i = block; i < block + 256; i++)
            {
                double difference = restored[i] - values[i];
                error += difference * difference;
                power += (double)values[i] * values[i];
                largest = Math.Max(largest, Math.Abs(difference) / peak);
            }
        }
        Assert.True(Math.Sqrt(error / power) <= relativeError, $"relative error {Math.Sqrt(error / power):g3}");
        Assert.True(largest <= largestError, $"largest error {largest:g3}");
    }

    [Theory]
    [MemberData(nameof(Types))]
    public void Zeros_stay_zeros(TensorType type)
    {
        var restored = RandomRows.Values(512, seed: 1);
        Dequantizer.Row(type, RandomRows.Quantized(type, new float[512]), restored);
        Assert.All(restored, value => Assert.Equal(0, value));
    }

    [Theory]
    [MemberData(nameof(Types))]
    public void Values_of_one_sign_and_constants_survive(TensorType type)
    {
        foreach (var (lowest, highest) in new[] { (0.5f, 1f), (-1f, -0.5f), (0.75f, 0.75f), (-0.75f, -0.75f) })
        {
            var values = new float[256];
            for (var i = 0; i < 256; i++)
                values[i] = lowest + (highest - lowest) * i / 255;
            var restored = new float[256];
            Dequantizer.Row(type, RandomRows.Quantized(type, values), restored);
            for (var i = 0; i < 256; i++)
                Assert.InRange(restored[i] - values[i], -0.35f, 0.35f);
        }
    }

    [Theory]
    [MemberData(nameof(BlockTypes))]
    public void Subnormal_and_tiny_values_do_not_become_large(TensorType type)
    {
        var values = RandomRows.Values(256, seed: 9, scale: 1e-39f);
        var restored = new float[256];
        Dequantizer.Row(type, RandomRows.Quantized(type, values), restored);
        Assert.All(restored, value => Assert.InRange(value, -1e-6f, 1e-6f));
    }

    [Theory]
    [MemberData(nameof(BlockTypes))]
    public void A_value_that_is_not_finite_is_refused_with_its_index(TensorType type)
    {
        foreach (var bad in new[] { float.NaN, float.PositiveInfinity, float.NegativeInfinity })
        {
            var values = new float[256];
            values[77] = bad;
            var error = Assert.Throws<ArgumentException>(() => RandomRows.Quantized(type, values));
            Assert.Contains("77", error.Message);
        }
    }

    [Theory]
    [MemberData(nameof(TypesWithHalfScales))]
    public void Values_that_need_a_scale_past_half_precision_are_refused(TensorType type)
    {
        var values = RandomRows.Values(256, seed: 2, scale: 1e35f);
        var error = Assert.Throws<ArgumentException>(() => RandomRows.Quantized(type, values));
        Assert.Contains("65504", error.Message);
    }

    [Fact]
    public void The_scale_of_MXFP4_spans_the_range_of_single_precision()
    {
        foreach (var magnitude in new[] { 1e-37f, 1f, 1e35f, float.MaxValue })
        {
            var values = Enumerable.Range(-16, 32).Select(i => i / 16f * magnitude).ToArray();
            var restored = new float[32];
            Dequantizer.Row(TensorType.MXFP4, RandomRows.Quantized(TensorType.MXFP4, values), restored);
            for (var i = 0; i < 32; i++)
                Assert.InRange(restored[i] / magnitude - values[i] / magnitude, -0.25f, 0.25f);
        }
    }

    [Theory]
    [InlineData(TensorType.IQ4_NL)]
    [InlineData(TensorType.IQ4_XS)]
    public void The_search_for_a_scale_leaves_no_more_error_than_ggmls(TensorType type)
    {
        var restored = new float[GoldenFormats.Weights.Length];
        Dequantizer.Row(type, RandomRows.Quantized(type, GoldenFormats.Weights), restored);
        Assert.InRange(Error(restored), 0, Error(GoldenFormats.Rows[type].QuantizedValues));

        static double Error(float[] values) =>
            values.Zip(GoldenFormats.Weights, (value, weight) => Math.Pow((double)value - weight, 2)).Sum();
    }

    [Fact]
    public void Lengths_that_do_not_fit_are_refused() =>
        Assert.Throws<ArgumentException>(() => Quantizer.Row(TensorType.Q8_0, new float[32], new byte[33]));

    public static TheoryData<TensorType> Types() => [.. RandomRows.ComputedTypes];

    public static TheoryData<TensorType> BlockTypes() => [.. RandomRows.ComputedTypes.Where(type => TensorTypeInfo.Of(type).BlockSize > 1)];

    public static TheoryData<TensorType> TypesWithHalfScales() =>
        [.. RandomRows.ComputedTypes.Where(type => TensorTypeInfo.Of(type).BlockSize > 1 && type != TensorType.MXFP4)];
}
