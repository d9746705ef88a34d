using Formation.Inference.Node.Stages;
using Formation.Inference.Node.Stages.Wire;
using Formation.Inference.Testing.Models;

namespace Formation.Inference.Node.Tests.Stages;

public sealed class RowCodecTests
{
    public static TheoryData<int> Widths => [1, 7, 31, 32, 33, 64, 100, 2048];

    [Theory, MemberData(nameof(Widths))]
    public void BF16_is_the_nearest_one_and_the_even_one_of_two(int width)
    {
        var values = Values(3 * width);
        values[0] = BitConverter.UInt32BitsToSingle(0x3F80_8000); // Halfway from an even one.
        values[^1] = BitConverter.UInt32BitsToSingle(0x3F81_8000); // Halfway from an odd one.
        var decoded = RoundTrip(ActivationPrecision.BF16, values, width);

        for (var i = 0; i < values.Length; i++)
            Assert.Equal(NearestBFloat16(values[i]), decoded[i]);
    }

    [Theory, MemberData(nameof(Widths))]
    public void Q8_is_a_whole_number_of_127ths_of_the_blocks_largest_value(int width)
    {
        var values = Values(3 * width);
        var decoded = RoundTrip(ActivationPrecision.Q8, values, width);

        for (var row = 0; row < 3; row++)
        {
            for (var first = 0; first < width; first += RowCodec.BlockValues)
            {
                var block = values.AsSpan(row * width + first, Math.Min(RowCodec.BlockValues, width - first)).ToArray();
                var scale = block.Max(MathF.Abs) / 127f;
                for (var i = 0; i < block.Length; i++)
                    Assert.Equal(MathF.Round(block[i] * (1 / scale), MidpointRounding.ToEven) * scale, decoded[row * width + first + i]);
            }
        }
    }

    [Fact]
    public void The_largest_values_stay_finite()
    {
        float[] extremes =
        [
            float.MaxValue, float.MinValue, 1e38f, -1e38f, float.Epsilon, -float.Epsilon, 0f, -0f, 1e-38f, 3.39e38f,
            .. Enumerable.Repeat(float.MaxValue, 54),
        ];
        foreach (var precision in (ActivationPrecision[])[ActivationPrecision.F32, ActivationPrecision.BF16, ActivationPrecision.Q8])
        {
            foreach (var width in (int[])[1, 2, 32, 64])
                Assert.True(RowCodec.IsFinite(RoundTrip(precision, extremes, width)));
        }
    }

    [Fact]
    public void Zeros_stay_zeros()
    {
        foreach (var precision in (ActivationPrecision[])[ActivationPrecision.F32, ActivationPrecision.BF16, ActivationPrecision.Q8])
            Assert.All(RoundTrip(precision, new float[70], 35), value => Assert.Equal(0f, value));
    }

    [Fact]
    public void A_value_that_is_not_finite_is_seen_wherever_it_stands()
    {
        for (var length = 1; length < 40; length++)
        {
            for (var index = 0; index < length; index++)
            {
                var values = Values(length);
                Assert.True(RowCodec.IsFinite(values));
                values[index] = index % 2 == 0 ? float.NaN : float.NegativeInfinity;
                Assert.False(RowCodec.IsFinite(values));
            }
        }
    }

    [Fact]
    public void Rows_have_the_bytes_that_the_documentation_says()
    {
        Assert.Equal(16384, RowCodec.RowBytes(ActivationPrecision.F32, 4096));
        Assert.Equal(8192, RowCodec.RowBytes(ActivationPrecision.BF16, 4096));
        Assert.Equal(4608, RowCodec.RowBytes(ActivationPrecision.Q8, 4096));
        Assert.Equal(33 + 8, RowCodec.RowBytes(ActivationPrecision.Q8, 33));
    }

    static float[] RoundTrip(ActivationPrecision precision, float[] values, int width)
    {
        var bytes = new byte[values.Length / width * RowCodec.RowBytes(precision, width)];
        RowCodec.Encode(precision, values, width, bytes);
        var decoded = new float[values.Length];
        RowCodec.Decode(precision, bytes, width, decoded);
        return decoded;
    }

    static float[] Values(int count)
    {
        var random = new SplitMix64(5);
        return [.. Enumerable.Range(0, count).Select(i => (float)random.NextNormal() * MathF.Pow(10, i % 9 - 4))];
    }

    /// <summary>By trying both neighbours, in double precision.</summary>
    static float NearestBFloat16(float value)
    {
        var down = BitConverter.UInt32BitsToSingle(BitConverter.SingleToUInt32Bits(value) & 0xFFFF_0000);
        var up = BitConverter.UInt32BitsToSingle((BitConverter.SingleToUInt32Bits(value) & 0xFFFF_0000) + 0x1_0000);
        var (below, above) = (Math.Abs((double)value - down), Math.Abs((double)up - value));
        var isDownEven = (BitConverter.SingleToUInt32Bits(down) >> 16) % 2 == 0;
        return below < above || (below == above && isDownEven) ? down : up;
    }
}
