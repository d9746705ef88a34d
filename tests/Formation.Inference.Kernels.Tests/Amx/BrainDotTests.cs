using Formation.Inference.Kernels.Amx;
using Formation.Inference.Kernels.Tests.Formats;

namespace Formation.Inference.Kernels.Tests.Amx;

public sealed class BrainDotTests
{
    private const float Smallest = 1.17549435E-38f;

    [Fact]
    public void A_product_is_rounded_once_together_with_what_it_is_added_to()
    {
        // Products of bfloat16 are exact in double precision, and here so are the sums.
        var values = BrainMatrix.Round(RandomRows.Values(3000, seed: 1));
        for (var i = 0; i + 3 <= values.Length; i += 3)
        {
            var (left, right, addend) = (Single(values[i]), Single(values[i + 1]), Single(values[i + 2]));
            Assert.Equal((float)(((double)left * right) + addend), BrainDot.MultiplyAdd(values[i], values[i + 1], addend));
        }
    }

    [Theory]
    [InlineData(Smallest, 1, 0, Smallest)]
    [InlineData(Smallest, 0.5f, 0, 0)]
    [InlineData(-Smallest, 0.5f, 0, -0f)]
    [InlineData(Smallest / 2, 4, 1, 1)]
    [InlineData(Smallest, 0.5f, Smallest, 1.5f * Smallest)]
    public void Numbers_too_small_to_be_normal_are_zero_going_in_and_coming_out(float left, float right, float addend, float expected) =>
        Assert.Equal(
            BitConverter.SingleToInt32Bits(expected),
            BitConverter.SingleToInt32Bits(BrainDot.MultiplyAdd(Brain(left), Brain(right), addend)));

    [Fact]
    public void Even_and_odd_inputs_of_a_tile_are_summed_apart()
    {
        // In one chain the small products would be lost beside the large one, which the next takes away again.
        const float large = 1 << 25;
        var left = new ushort[64];
        var right = Enumerable.Repeat(Brain(1), 64).ToArray();
        (left[0], left[1], left[2], left[3]) = (Brain(large), Brain(1), Brain(-large), Brain(1));
        Assert.Equal(2, BrainDot.Accumulate(left, right, 0));
        // The next tile begins anew and is added as a whole.
        (left[32], left[33], left[34], left[35]) = (Brain(large), Brain(3), Brain(-large), Brain(4));
        Assert.Equal(9 + 16, BrainDot.Accumulate(left, right, 16));
    }

    private static ushort Brain(float value) => (ushort)(BitConverter.SingleToUInt32Bits(value) >> 16);

    private static float Single(ushort brain) => BitConverter.Int32BitsToSingle(brain << 16);
}
