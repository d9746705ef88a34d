using System.Runtime.InteropServices;
using Formation.Inference.Kernels.Dispatch;
using Formation.Inference.Kernels.Formats;

namespace Formation.Inference.Kernels.Tests.Formats;

public sealed class HalfBitsTests
{
    public static TheoryData<KernelPath> Paths() => [.. KernelPaths.Available];

    [Theory]
    [MemberData(nameof(Paths))]
    public void Each_of_the_65536_halves_widens_as_the_runtime_says(KernelPath path)
    {
        var halves = Enumerable.Range(0, 65536).Select(bits => (ushort)bits).ToArray();
        var values = new float[65536];
        Dequantizer.Row(TensorType.F16, MemoryMarshal.AsBytes(halves.AsSpan()), values, path);

        for (var bits = 0; bits < 65536; bits++)
        {
            var expected = (float)BitConverter.UInt16BitsToHalf((ushort)bits);
            if (!expected.Equals(values[bits]) || float.IsNegative(expected) != float.IsNegative(values[bits]))
                Assert.Fail($"half {bits:x4} became {values[bits]:r}, not {expected:r}");
        }
    }

    [Theory]
    [MemberData(nameof(Paths))]
    public void Singles_narrow_as_the_runtime_says_at_every_boundary(KernelPath path)
    {
        var values = BoundaryValues();
        var halves = new ushort[values.Length];
        Quantizer.Row(TensorType.F16, values, MemoryMarshal.AsBytes(halves.AsSpan()), path);

        for (var i = 0; i < values.Length; i++)
        {
            var expected = (Half)values[i];
            var actual = BitConverter.UInt16BitsToHalf(halves[i]);
            if (!expected.Equals(actual) || Half.IsNegative(expected) != Half.IsNegative(actual))
                Assert.Fail($"{values[i]:r} became {actual}, not {expected}");
        }
    }

    // Each half, the midpoint to its neighbour, and one step to either side of both, with both signs; then infinities, NaN and
    // singles that underflow.
    private static float[] BoundaryValues()
    {
        var values = new List<float>
        {
            float.PositiveInfinity, float.NegativeInfinity, float.NaN, -float.NaN, float.MaxValue, float.Epsilon, 1e-30f,
        };
        for (var bits = 0; bits < 0x7C00; bits++)
        {
            var value = (float)BitConverter.UInt16BitsToHalf((ushort)bits);
            var next = bits == 0x7BFF ? 65536f : (float)BitConverter.UInt16BitsToHalf((ushort)(bits + 1));
            var middle = (value + next) / 2;
            foreach (var candidate in new[] { value, middle })
            {
                foreach (var near in new[] { MathF.BitDecrement(candidate), candidate, MathF.BitIncrement(candidate) })
                {
                    values.Add(near);
                    values.Add(-near);
                }
            }
        }
        return [.. values];
    }
}
