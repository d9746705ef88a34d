using Formation.Inference.Kernels.Dispatch;
using Formation.Inference.Kernels.Layers;
using Formation.Inference.Kernels.Tests.Formats;

namespace Formation.Inference.Kernels.Tests.Layers;

public sealed class RotaryEmbeddingTests
{
    private const int Rows = 3;
    private const int Heads = 2;

    public static TheoryData<KernelPath, RotaryPairing, int, int> Cases()
    {
        var data = new TheoryData<KernelPath, RotaryPairing, int, int>();
        foreach (var path in KernelPaths.Available)
        {
            foreach (var pairing in Enum.GetValues<RotaryPairing>())
            {
                // Whole heads, an odd number of pairs, and heads of which a part rotates.
                foreach (var (headSize, pairs) in new[] { (64, 32), (10, 5), (80, 20), (128, 64) })
                    data.Add(path, pairing, headSize, pairs);
            }
        }
        return data;
    }

    [Theory]
    [MemberData(nameof(Cases))]
    public void A_pair_turns_by_its_angle_and_the_rest_stays(KernelPath path, RotaryPairing pairing, int headSize, int pairs)
    {
        var x = RandomRows.Values(Rows * Heads * headSize, 1);
        var frequencies = Enumerable.Range(0, pairs).Select(i => Math.Pow(10_000, -(double)i / pairs)).ToArray();
        var angles = new float[Rows * 2 * pairs];
        for (var row = 0; row < Rows; row++)
            RotaryEmbedding.Angles(Position(row), frequencies, magnitude: 1.5, angles.AsSpan(row * 2 * pairs, 2 * pairs));
        var y = x.ToArray();
        RotaryEmbedding.Rotate(y, headSize, angles, Rows, pairing, path);

        for (var row = 0; row < Rows; row++)
        {
            for (var head = 0; head < Heads; head++)
            {
                var first = (row * Heads + head) * headSize;
                for (var i = 0; i < pairs; i++)
                {
                    var (a, b) = pairing == RotaryPairing.Neighbours ? (first + 2 * i, first + 2 * i + 1) : (first + i, first + pairs + i);
                    var (sin, cos) = Math.SinCos(Position(row) * frequencies[i]);
                    Assert.Equal(1.5 * (x[a] * cos - x[b] * sin), y[a], 2e-6);
                    Assert.Equal(1.5 * (x[a] * sin + x[b] * cos), y[b], 2e-6);
                }
                Assert.Equal(x[(first + 2 * pairs)..(first + headSize)], y[(first + 2 * pairs)..(first + headSize)]);
            }
        }
    }

    [Theory]
    [MemberData(nameof(Cases))]
    public void Every_path_gives_the_bits_of_the_scalar_twin(KernelPath path, RotaryPairing pairing, int headSize, int pairs)
    {
        var (expected, angles) = (RandomRows.Values(Rows * Heads * headSize, 1), RandomRows.Values(Rows * 2 * pairs, 2));
        var actual = expected.ToArray();

        RotaryEmbedding.Rotate(expected, headSize, angles, Rows, pairing, KernelPath.Scalar);
        RotaryEmbedding.Rotate(actual, headSize, angles, Rows, pairing, path);

        Assert.Equal(expected, actual);
    }

    [Fact]
    public void Far_positions_keep_their_precision()
    {
        var angles = new float[2];
        RotaryEmbedding.Angles(1_000_003, [1.0], magnitude: 1, angles);

        Assert.Equal(Math.Cos(1_000_003), angles[0], 1e-7);
        Assert.Equal(Math.Sin(1_000_003), angles[1], 1e-7);
    }

    [Fact]
    public void Angles_for_more_than_a_head_are_refused() => Assert.Throws<ArgumentException>(
        () => RotaryEmbedding.Rotate(new float[16], headSize: 8, new float[2 * 10], rows: 2, RotaryPairing.Halves));

    private static int Position(int row) => 7 * row + 1;
}
