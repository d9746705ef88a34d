using Formation.Inference.Kernels.Dispatch;
using Formation.Inference.Kernels.Formats;
using Formation.Inference.Kernels.Tests.Formats;
using Formation.Inference.Kernels.Vectors;

namespace Formation.Inference.Kernels.Tests.Vectors;

public sealed unsafe class FloatsTests
{
    private const int Halves = 0x7C00;

    public static TheoryData<KernelPath> VectorPaths() => [.. KernelPaths.Available.Where(path => path != KernelPath.Scalar)];

    [Theory]
    [MemberData(nameof(VectorPaths))]
    public void Every_finite_half_is_read_as_it_is(KernelPath path)
    {
        var (halves, expected) = FiniteHalves();
        var actual = new float[halves.Length];
        fixed (ushort* source = halves)
        fixed (float* destination = actual)
            VectorKernel.Run(new ReadHalves(source, destination, halves.Length), path);

        Assert.Equal(RandomRows.Bits(expected), RandomRows.Bits(actual));
    }

    [Theory]
    [MemberData(nameof(VectorPaths))]
    public void Every_finite_half_of_a_pair_is_read_as_its_value_by_a_power_of_2(KernelPath path)
    {
        var (halves, expected) = FiniteHalves();
        var actual = new float[halves.Length];
        fixed (ushort* source = halves)
        fixed (float* destination = actual)
            VectorKernel.Run(new ReadHalfPairs(source, destination, halves.Length), path);

        Assert.Equal(RandomRows.Bits(expected), RandomRows.Bits(actual));
    }

    [Theory]
    [MemberData(nameof(VectorPaths))]
    public void Rounding_to_16_bits_goes_to_the_nearest_and_to_even(KernelPath path)
    {
        float[] x =
        [
            0, 0.5f, 1.5f, 2.5f, -0.5f, -1.5f, -2.5f, 0.49999997f, 32767, -32768, 32766.5f, -32767.5f, 1e-30f, -0.75f, 12345.678f, -12345.678f,
        ];
        var actual = new short[x.Length];
        fixed (float* source = x)
        fixed (short* destination = actual)
            VectorKernel.Run(new RoundAll(source, destination, x.Length), path);

        Assert.Equal(x.Select(value => (short)MathF.Round(value, MidpointRounding.ToEven)), actual);
    }

    [Theory]
    [MemberData(nameof(VectorPaths))]
    public void Clamping_makes_any_number_finite(KernelPath path)
    {
        float[] x =
        [
            float.NaN, float.PositiveInfinity, float.NegativeInfinity, 7, -7, 3, -3, 0, 6.9f, -6.9f, float.Epsilon, float.MaxValue,
            float.MinValue, 1, 2, 5,
        ];
        float[] expected = [0, 7, -7, 7, -7, 3, -3, 0, 6.9f, -6.9f, float.Epsilon, 7, -7, 1, 2, 5];
        fixed (float* values = x)
            VectorKernel.Run(new ClampAll(values, 7, x.Length), path);

        Assert.Equal(expected, x);
    }

    [Theory]
    [MemberData(nameof(VectorPaths))]
    public void Sums_of_pairs_are_those_of_integers(KernelPath path)
    {
        var random = new Random(1);
        var bytes = new sbyte[32];
        random.NextBytes(System.Runtime.InteropServices.MemoryMarshal.AsBytes(bytes.AsSpan()));
        (bytes[0], bytes[1]) = (-128, -128);
        short[] pair = [-32768, 32767];
        var actual = new float[16];
        fixed (sbyte* source = bytes)
        fixed (short* factor = pair)
        fixed (float* sums = actual)
            VectorKernel.Run(new PairSums(source, factor, sums), path);

        var expected = Enumerable.Range(0, 16).Select(lane => (float)(2 * (bytes[2 * lane] * pair[0] + bytes[2 * lane + 1] * pair[1])));
        Assert.Equal(expected, actual);
    }

    private static (ushort[] Halves, float[] Values) FiniteHalves()
    {
        var halves = Enumerable.Range(0, 2 * Halves).Select(i => (ushort)(i < Halves ? i : 0x8000 + i - Halves)).ToArray();
        return (halves, [.. halves.Select(HalfBits.ToSingle)]);
    }

    private readonly struct ReadHalves(ushort* source, float* destination, int count) : IVectorKernel
    {
        public void Run<TFloats>() where TFloats : struct, IFloats<TFloats>
        {
            for (var i = 0; i < count; i += TFloats.Count)
                TFloats.LoadFiniteHalf(source + i).Store(destination + i);
        }

        public void RunScalar() => throw new NotSupportedException();
    }

    private readonly struct ReadHalfPairs(ushort* source, float* destination, int count) : IVectorKernel
    {
        public void Run<TFloats>() where TFloats : struct, IFloats<TFloats>
        {
            var lanes = stackalloc float[2 * Sixteen.Lanes];
            for (var i = 0; i < count; i += 2 * TFloats.Count)
            {
                var (first, second) = TFloats.LoadHalfPairs(source + i);
                (first * TFloats.Broadcast(HalfBits.RebiasFactor)).Store(lanes);
                (second * TFloats.Broadcast(HalfBits.RebiasFactor)).Store(lanes + Sixteen.Lanes);
                for (var lane = 0; lane < TFloats.Count; lane++)
                    (destination[i + 2 * lane], destination[i + 2 * lane + 1]) = (lanes[lane], lanes[Sixteen.Lanes + lane]);
            }
        }

        public void RunScalar() => throw new NotSupportedException();
    }

    private readonly struct RoundAll(float* source, short* destination, int count) : IVectorKernel
    {
        public void Run<TFloats>() where TFloats : struct, IFloats<TFloats>
        {
            for (var i = 0; i < count; i += TFloats.Count)
                TFloats.Load(source + i).StoreRounded(destination + i);
        }

        public void RunScalar() => throw new NotSupportedException();
    }

    private readonly struct ClampAll(float* values, float limit, int count) : IVectorKernel
    {
        public void Run<TFloats>() where TFloats : struct, IFloats<TFloats>
        {
            for (var i = 0; i < count; i += TFloats.Count)
                TFloats.Clamp(TFloats.Load(values + i), limit).Store(values + i);
        }

        public void RunScalar() => throw new NotSupportedException();
    }

    private readonly struct PairSums(sbyte* source, short* factor, float* sums) : IVectorKernel
    {
        public void Run<TFloats>() where TFloats : struct, IFloats<TFloats>
        {
            if (typeof(TFloats) == typeof(Floats512))
                Sum<Floats512, Pairs512>();
            else if (typeof(TFloats) == typeof(Floats256))
                Sum<Floats256, Pairs256>();
            else
                Sum<Floats128, Pairs128>();
        }

        public void RunScalar() => throw new NotSupportedException();

        private void Sum<TFloats, TPairs>()
            where TFloats : struct, IFloats<TFloats>
            where TPairs : struct, IPairs<TPairs, TFloats>
        {
            for (var lane = 0; lane < Sixteen.Lanes; lane += TFloats.Count)
            {
                var bytes = TPairs.LoadBytes(source + 2 * lane);
                var sum = TPairs.MultiplyAdd(bytes, TPairs.Broadcast(factor), default);
                TPairs.MultiplyAdd(TPairs.Broadcast(factor), bytes, sum).ToFloats().Store(sums + lane);
            }
        }
    }
}
