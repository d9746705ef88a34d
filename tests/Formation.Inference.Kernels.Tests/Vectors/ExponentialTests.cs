using Formation.Inference.Kernels.Dispatch;
using Formation.Inference.Kernels.Tests.Formats;
using Formation.Inference.Kernels.Vectors;

namespace Formation.Inference.Kernels.Tests.Vectors;

public sealed unsafe class ExponentialTests
{
    public static TheoryData<KernelPath> Paths() => [.. KernelPaths.Available];

    [Fact]
    public void The_error_is_a_bit_more_than_a_rounding()
    {
        // Steps of a prime number of units in the last place visit all exponents and fractions.
        for (var bits = 0; bits < BitConverter.SingleToInt32Bits(126f); bits += 997)
        {
            var x = -BitConverter.Int32BitsToSingle(bits);
            var exact = Math.Pow(2, x);
            Assert.InRange(Exponential.Exp2(x), exact * (1 - 1.2e-7), exact * (1 + 1.2e-7));
        }
    }

    [Theory]
    [InlineData(0f, 1f)]
    [InlineData(-1f, 0.5f)]
    [InlineData(-126f, 1.17549435E-38f)]
    [InlineData(-127f, 0f)]
    [InlineData(-1e30f, 0f)]
    [InlineData(float.NegativeInfinity, 0f)]
    [InlineData(float.NaN, 0f)]
    public void Whole_powers_are_exact_and_what_is_too_small_is_0(float x, float expected) => Assert.Equal(expected, Exponential.Exp2(x));

    [Theory]
    [MemberData(nameof(Paths))]
    public void Every_vector_width_gives_the_bits_of_scalar_code(KernelPath path)
    {
        var x = RandomRows.Values(16 * 1000, seed: 1, scale: 40).Select(value => -MathF.Abs(value)).ToArray();
        (x[0], x[1], x[2], x[3]) = (0, float.NegativeInfinity, -126.7f, -126.2f);
        var expected = x.Select(Exponential.Exp2).ToArray();
        var y = new float[x.Length];
        fixed (float* px = x, py = y)
            VectorKernel.Run(new Powers(px, py, x.Length), path);

        Assert.Equal(RandomRows.Bits(expected), RandomRows.Bits(y));
    }

    private readonly struct Powers(float* x, float* y, int count) : IVectorKernel
    {
        public void Run<TFloats>() where TFloats : struct, IFloats<TFloats>
        {
            for (var i = 0; i < count; i += TFloats.Count)
                Exponential.Exp2(TFloats.Load(x + i)).Store(y + i);
        }

        public void RunScalar()
        {
            for (var i = 0; i < count; i++)
                y[i] = Exponential.Exp2(x[i]);
        }
    }
}
