using Formation.Inference.Kernels.Dispatch;
using Formation.Inference.Kernels.Formats;
using Formation.Inference.Kernels.Memory;
using Formation.Inference.Kernels.Tests.Formats;
using Formation.Inference.Kernels.Threading;

namespace Formation.Inference.Kernels.Tests;

public sealed class LinearTests : IDisposable
{
    private readonly WorkerTeam _team = new(3);
    private readonly WorkerTeam _single = new(1);
    private readonly List<NativeBuffer> _buffers = [];

    public static TheoryData<TensorType> Types() => [.. RandomRows.ComputedTypes];

    public static TheoryData<KernelPath> Paths() => [.. KernelPaths.Available];

    [Theory]
    [MemberData(nameof(Types))]
    public void Every_path_gives_the_bits_of_the_scalar_twin_at_odd_sizes(TensorType type)
    {
        var blockSize = TensorTypeInfo.Of(type).BlockSize;
        foreach (var (outputs, blocks, rows) in new[] { (1, 1, 1), (7, 3, 2), (8, 5, 3), (9, 17, 4), (19, 2, 7) })
        {
            var weight = Weight(type, outputs, blocks * blockSize, seed: outputs);
            var x = RandomRows.Values(rows * weight.Columns, seed: rows);
            var expected = new float[rows * outputs];
            Linear.Multiply(weight, x, expected, rows, _single, KernelPath.Scalar);
            foreach (var path in KernelPaths.Available)
            {
                var actual = new float[rows * outputs];
                Linear.Multiply(weight, x, actual, rows, _team, path);
                AssertSameBits(expected, actual);
            }
        }
    }

    [Theory]
    [InlineData(1)]
    [InlineData(15)]
    [InlineData(17)]
    [InlineData(511)]
    [InlineData(513)]
    [InlineData(1300)]
    public void The_result_is_that_of_double_precision_within_the_rounding_of_its_terms(int columns)
    {
        const int outputs = 13, rows = 5;
        var weight = Weight(TensorType.F32, outputs, columns, seed: 4);
        var x = RandomRows.Values(rows * columns, seed: 5);
        var y = new float[rows * outputs];
        Linear.Multiply(weight, x, y, rows, _team);

        var w = new float[columns];
        for (var output = 0; output < outputs; output++)
        {
            Dequantizer.Row(TensorType.F32, weight.Row(output), w);
            for (var row = 0; row < rows; row++)
            {
                double exact = 0, magnitude = 0;
                for (var k = 0; k < columns; k++)
                {
                    var term = (double)w[k] * x[row * columns + k];
                    exact += term;
                    magnitude += Math.Abs(term);
                }
                // Each term is rounded at most columns / 16 times in its lane and four times in the tree, by 2^-24 of a partial sum.
                var bound = magnitude * (columns / 16 + 5) * Math.Pow(2, -24);
                Assert.InRange(y[row * outputs + output], exact - bound, exact + bound);
            }
        }
    }

    [Theory]
    [MemberData(nameof(Paths))]
    public void A_row_has_the_same_bits_alone_and_among_others_and_with_any_number_of_threads(KernelPath path)
    {
        const int outputs = 70, columns = 768, rows = 259;
        foreach (var type in new[] { TensorType.Q8_0, TensorType.Q4_K, TensorType.F16 })
        {
            var weight = Weight(type, outputs, columns, seed: 8);
            var x = RandomRows.Values(rows * columns, seed: 9);
            var together = new float[rows * outputs];
            Linear.Multiply(weight, x, together, rows, _team, path);

            foreach (var row in new[] { 0, 1, 2, 100, 255, 256, 257, 258 })
            {
                var alone = new float[outputs];
                Linear.Multiply(weight, x.AsSpan(row * columns, columns), alone, 1, _single, path);
                AssertSameBits(together.AsSpan(row * outputs, outputs), alone);
            }
            foreach (var threads in new[] { 1, 2, 5 })
            {
                using var team = new WorkerTeam(threads);
                var again = new float[11 * outputs];
                Linear.Multiply(weight, x.AsSpan(3 * columns), again, 11, team, path);
                AssertSameBits(together.AsSpan(3 * outputs, 11 * outputs), again);
            }
        }
    }

    [Fact]
    public void What_is_not_a_number_stays_in_its_own_row_and_column()
    {
        const int outputs = 9, columns = 40;
        var values = RandomRows.Values(outputs * columns, seed: 6);
        values[4 * columns + 7] = float.NaN;
        var weight = Store(TensorType.F32, values, outputs, columns);
        var x = RandomRows.Values(3 * columns, seed: 7);
        x[columns + 3] = float.PositiveInfinity;
        var y = new float[3 * outputs];
        Linear.Multiply(weight, x, y, 3, _team);
        for (var row = 0; row < 3; row++)
        {
            for (var output = 0; output < outputs; output++)
                Assert.Equal(row == 1 || output == 4, !float.IsFinite(y[row * outputs + output]));
        }
    }

    [Fact]
    public void Nothing_is_written_past_the_rows_wanted()
    {
        var weight = Weight(TensorType.Q8_0, 9, 32, seed: 1);
        var y = new float[4 * 9];
        y.AsSpan().Fill(7);
        Linear.Multiply(weight, RandomRows.Values(3 * 32, seed: 2), y, 3, _team);
        Assert.All(y[27..], value => Assert.Equal(7, value));
        Linear.Multiply(weight, [], [], 0, _team);
    }

    [Fact]
    public void Spans_that_are_too_short_are_refused()
    {
        var weight = Weight(TensorType.Q8_0, 9, 32, seed: 1);
        Assert.Throws<ArgumentException>(() => Linear.Multiply(weight, new float[63], new float[18], 2, _team));
        Assert.Throws<ArgumentException>(() => Linear.Multiply(weight, new float[64], new float[17], 2, _team));
        Assert.Throws<ArgumentOutOfRangeException>(() => Linear.Multiply(weight, new float[64], new float[18], -1, _team));
    }

    [Fact]
    public void A_call_allocates_nothing()
    {
        var weight = Weight(TensorType.Q4_0, 64, 512, seed: 3);
        var x = RandomRows.Values(4 * 512, seed: 4);
        var y = new float[4 * 64];
        for (var call = 0; call < 50; call++)
            Linear.Multiply(weight, x, y, 4, _single);
        var before = GC.GetAllocatedBytesForCurrentThread();
        for (var call = 0; call < 50; call++)
            Linear.Multiply(weight, x, y, 4, _single);
        Assert.Equal(before, GC.GetAllocatedBytesForCurrentThread());
    }

    public void Dispose()
    {
        _team.Dispose();
        _single.Dispose();
        _buffers.ForEach(buffer => buffer.Dispose());
    }

    private WeightMatrix Weight(TensorType type, int outputs, int columns, int seed) =>
        Store(type, RandomRows.Values(outputs * columns, seed), outputs, columns);

    private WeightMatrix Store(TensorType type, float[] values, int outputs, int columns)
    {
        var bytes = RandomRows.Quantized(type, values);
        var buffer = new NativeBuffer(bytes.Length);
        _buffers.Add(buffer);
        bytes.CopyTo(buffer.Span(0, bytes.Length));
        return new WeightMatrix(buffer.Region, type, outputs, columns);
    }

    private static void AssertSameBits(ReadOnlySpan<float> expected, ReadOnlySpan<float> actual) =>
        Assert.True(RandomRows.Bits(expected).SequenceEqual(RandomRows.Bits(actual)));
}
