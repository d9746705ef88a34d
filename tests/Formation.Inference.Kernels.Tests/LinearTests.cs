using System.Runtime.InteropServices;
using Formation.Inference.Kernels.Dispatch;
using Formation.Inference.Kernels.Formats;
using Formation.Inference.Kernels.Layers;
using Formation.Inference.Kernels.Memory;
using Formation.Inference.Kernels.Tests.Formats;
using Formation.Inference.Kernels.Threading;
using Formation.Inference.Kernels.Tiles;

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
        foreach (var (outputs, blocks, rows) in new[] { (1, 1, 1), (48, 5, 1), (35, 18, 1), (7, 3, 2), (16, 5, 3), (33, 17, 4), (47, 2, 7), (65, 9, 5) })
        {
            using var weight = Weight(type, outputs, blocks * blockSize, seed: outputs);
            var x = RandomRows.Values(rows * weight.Columns, seed: rows);
            var expected = Multiply(weight, x, rows, _single, KernelPath.Scalar);
            foreach (var path in KernelPaths.Available)
                AssertSameBits(expected, Multiply(weight, x, rows, _team, path));
        }
    }

    [Theory]
    [MemberData(nameof(Types))]
    public void The_error_against_double_precision_is_that_of_activations_of_8_bits_or_of_float32(TensorType type)
    {
        const int outputs = 37, rows = 5, columns = 768;
        using var weight = Weight(type, outputs, columns, seed: 4);
        var x = RandomRows.Values(rows * columns, seed: 5);
        var y = Multiply(weight, x, rows, _team, KernelPaths.Current);

        var w = new float[columns];
        var block = TensorTypeInfo.Of(type).BlockSize;
        double error = 0, size = 0;
        for (var output = 0; output < outputs; output++)
        {
            weight.ReadRow(output, w);
            for (var row = 0; row < rows; row++)
            {
                double exact = 0, bound = 0;
                for (var k = 0; k < columns; k++)
                {
                    var term = (double)w[k] * x[row * columns + k];
                    exact += term;
                    bound += Math.Abs(term) * columns * Math.Pow(2, -24);
                    // Half a step of the activation's scale, for every weight that it meets.
                    if (block > 1)
                        bound += Math.Abs(w[k]) * Largest(x.AsSpan(row * columns + k / block * block, block)) / 127 * 0.5001;
                }
                var actual = y[row * outputs + output];
                Assert.InRange(actual, exact - bound, exact + bound);
                error += (actual - exact) * (actual - exact);
                size += exact * exact;
            }
        }
        // The mean error is far below the bound: the steps' errors mostly cancel out.
        Assert.InRange(Math.Sqrt(error / size), 0, block > 1 ? 0.012 : 2e-6);
    }

    [Theory]
    [InlineData(1)]
    [InlineData(15)]
    [InlineData(127)]
    [InlineData(129)]
    [InlineData(1300)]
    public void Rows_of_float32_may_have_any_length(int columns)
    {
        const int outputs = 35, rows = 3;
        using var weight = Weight(TensorType.F32, outputs, columns, seed: 14);
        var x = RandomRows.Values(rows * columns, seed: 15);
        var y = Multiply(weight, x, rows, _team, KernelPaths.Current);
        var w = new float[columns];
        for (var output = 0; output < outputs; output++)
        {
            weight.ReadRow(output, w);
            for (var row = 0; row < rows; row++)
            {
                double exact = 0, magnitude = 0;
                for (var k = 0; k < columns; k++)
                {
                    var term = (double)w[k] * x[row * columns + k];
                    exact += term;
                    magnitude += Math.Abs(term);
                }
                // Each term is rounded at most 128 times in its panel and once for each panel, by 2^-24 of a partial sum.
                var bound = magnitude * (128 + columns / 128 + 1) * Math.Pow(2, -24);
                Assert.InRange(y[row * outputs + output], exact - bound, exact + bound);
            }
        }
    }

    [Theory]
    [MemberData(nameof(Paths))]
    public void A_row_has_the_same_bits_alone_and_among_others_and_with_any_number_of_threads(KernelPath path)
    {
        const int outputs = 70, columns = 768, rows = 515;
        foreach (var type in new[] { TensorType.Q8_0, TensorType.Q4_K, TensorType.F16 })
        {
            using var weight = Weight(type, outputs, columns, seed: 8);
            var x = RandomRows.Values(rows * columns, seed: 9);
            var together = Multiply(weight, x, rows, _team, path);
            foreach (var row in new[] { 0, 1, 2, 100, 511, 512, 513, 514 })
            {
                var alone = Multiply(weight, x.AsSpan(row * columns, columns), 1, _single, path);
                AssertSameBits(together.AsSpan(row * outputs, outputs), alone);
            }
            foreach (var threads in new[] { 1, 2, 5 })
            {
                using var team = new WorkerTeam(threads);
                var again = Multiply(weight, x.AsSpan(3 * columns, 11 * columns), 11, team, path);
                AssertSameBits(together.AsSpan(3 * outputs, 11 * outputs), again);
            }
        }
    }

    [Fact]
    public void Layers_of_one_input_give_the_same_together_as_apart_with_biases()
    {
        const int columns = 512, rows = 6;
        using var first = Weight(TensorType.Q4_K, 40, columns, seed: 1);
        using var second = Weight(TensorType.Q6_K, 17, columns, seed: 2);
        using var third = Weight(TensorType.Q8_0, 100, columns, seed: 3);
        var x = RandomRows.Values(rows * columns, seed: 4);
        var bias = RandomRows.Values(17, seed: 5);
        var y = new[] { Buffer(new float[rows * 40]), Buffer(new float[rows * 17]), Buffer(new float[rows * 100]) };
        using var input = new LinearInput();
        input.Set(Buffer(x).Region, rows, columns);
        Linear.Multiply(
            [new(first, default, y[0].Region), new(second, Buffer(bias).Region, y[1].Region), new(third, default, y[2].Region)], input, _team);

        AssertSameBits(Multiply(first, x, rows, _team, KernelPaths.Current), Values(y[0]));
        AssertSameBits(Multiply(third, x, rows, _team, KernelPaths.Current), Values(y[2]));
        var biased = Multiply(second, x, rows, _team, KernelPaths.Current);
        for (var i = 0; i < biased.Length; i++)
            biased[i] += bias[i % 17];
        AssertSameBits(biased, Values(y[1]));
    }

    [Fact]
    public void A_residual_is_added_to_and_a_gate_is_that_of_the_two_layers_alone()
    {
        const int columns = 256, rows = 7, outputs = 50;
        using var gate = Weight(TensorType.Q4_K, outputs, columns, seed: 1);
        using var up = Weight(TensorType.Q4_0, outputs, columns, seed: 2);
        var x = RandomRows.Values(rows * columns, seed: 4);
        using var input = new LinearInput();
        input.Set(Buffer(x).Region, rows, columns);

        var gated = Buffer(new float[rows * outputs]);
        Linear.Gate(new(gate, default, gated.Region), new(up, default, default), input, _team);
        var expected = new float[rows * outputs];
        GatedActivation.SwiGlu(
            Multiply(gate, x, rows, _team, KernelPaths.Current), Multiply(up, x, rows, _team, KernelPaths.Current), expected);
        AssertSameBits(expected, Values(gated));

        var residual = RandomRows.Values(rows * outputs, seed: 9);
        var sum = Buffer(residual);
        Linear.Accumulate(new(gate, default, sum.Region), input, _team);
        expected = Multiply(gate, x, rows, _team, KernelPaths.Current);
        for (var i = 0; i < expected.Length; i++)
            expected[i] = residual[i] + expected[i];
        AssertSameBits(expected, Values(sum));
    }

    [Theory]
    [InlineData(TensorType.F32)]
    [InlineData(TensorType.Q8_0)]
    [InlineData(TensorType.Q4_K)]
    public void What_is_not_a_number_stays_in_its_own_row(TensorType type)
    {
        const int outputs = 40, columns = 512;
        using var weight = Weight(type, outputs, columns, seed: 6);
        var x = RandomRows.Values(3 * columns, seed: 7);
        x[columns + 3] = float.PositiveInfinity;
        x[columns + 300] = float.NaN;
        foreach (var path in KernelPaths.Available)
        {
            var y = Multiply(weight, x, 3, _team, path);
            for (var row = 0; row < 3; row++)
            {
                for (var output = 0; output < outputs; output++)
                    Assert.Equal(row == 1, !float.IsFinite(y[row * outputs + output]));
            }
        }
    }

    [Fact]
    public void An_input_of_zeros_and_tiny_numbers_gives_zeros()
    {
        using var weight = Weight(TensorType.Q4_K, 16, 256, seed: 6);
        var x = new float[2 * 256];
        x.AsSpan(256).Fill(1e-40f);
        foreach (var path in KernelPaths.Available)
            Assert.All(Multiply(weight, x, 2, _team, path), value => Assert.Equal(0, value));
    }

    [Fact]
    public void Nothing_is_written_past_the_rows_wanted()
    {
        using var weight = Weight(TensorType.Q8_0, 9, 32, seed: 1);
        var y = new float[4 * 9];
        y.AsSpan().Fill(7);
        var buffer = Buffer(y);
        using var input = new LinearInput();
        input.Set(Buffer(RandomRows.Values(3 * 32, seed: 2)).Region, 3, 32);
        Linear.Multiply([new(weight, default, buffer.Region)], input, _team);
        Assert.All(Values(buffer)[27..].ToArray(), value => Assert.Equal(7, value));
        input.Set(default, 0, 32);
        Linear.Multiply([new(weight, default, default)], input, _team);
    }

    [Fact]
    public void Shapes_that_do_not_fit_are_refused()
    {
        using var weight = Weight(TensorType.Q8_0, 9, 32, seed: 1);
        using var other = Weight(TensorType.Q8_0, 10, 32, seed: 1);
        using var input = new LinearInput();
        var x = Buffer(new float[64]);
        var y = Buffer(new float[20]);
        Assert.Throws<ArgumentException>(() => input.Set(Buffer(new float[63]).Region, 2, 32));
        input.Set(x.Region, 2, 32);
        Assert.Throws<ArgumentException>(() => Linear.Multiply([new(weight, default, y.Region.Slice(0, 17 * 4))], input, _team));
        Assert.Throws<ArgumentException>(() => Linear.Multiply([new(weight, x.Region.Slice(0, 8 * 4), y.Region)], input, _team));
        Assert.Throws<ArgumentException>(() => Linear.Gate(new(weight, default, y.Region), new(other, default, default), input, _team));
        input.Set(x.Region, 1, 64);
        Assert.Throws<ArgumentException>(() => Linear.Multiply([new(weight, default, y.Region)], input, _team));
    }

    [Fact]
    public void A_call_allocates_nothing()
    {
        using var weight = Weight(TensorType.Q4_0, 64, 512, seed: 3);
        var x = Buffer(RandomRows.Values(4 * 512, seed: 4));
        var y = Buffer(new float[4 * 64]);
        using var input = new LinearInput();
        for (var call = 0; call < 50; call++)
            Call();
        var before = GC.GetAllocatedBytesForCurrentThread();
        for (var call = 0; call < 50; call++)
            Call();
        Assert.Equal(before, GC.GetAllocatedBytesForCurrentThread());

        void Call()
        {
            input.Set(x.Region, 4, 512);
            Linear.Multiply([new(weight, default, y.Region)], input, _single);
        }
    }

    [Theory]
    [MemberData(nameof(Types))]
    public void A_packed_row_reads_as_the_stored_one(TensorType type)
    {
        var columns = 3 * TensorTypeInfo.Of(type).BlockSize;
        var stored = Stored(type, RandomRows.Values(21 * columns, seed: 2), 21, columns);
        using var packed = PackedMatrix.Pack(stored, _team, new HugePageArena());
        Assert.Equal(32 * stored.RowBytes, packed.Bytes);
        float[] expected = new float[columns], actual = new float[columns];
        for (var row = 0; row < 21; row++)
        {
            Dequantizer.Row(type, stored.Row(row), expected);
            packed.ReadRow(row, actual);
            AssertSameBits(expected, actual);
        }
        Assert.Throws<ArgumentOutOfRangeException>(() => packed.ReadRow(21, actual));
        Assert.Throws<ArgumentException>(() => packed.ReadRow(0, new float[columns + 1]));
    }

    public void Dispose()
    {
        _team.Dispose();
        _single.Dispose();
        _buffers.ForEach(buffer => buffer.Dispose());
    }

    private float[] Multiply(PackedMatrix weight, ReadOnlySpan<float> x, int rows, WorkerTeam team, KernelPath path)
    {
        using var input = new LinearInput();
        input.Set(Buffer(x).Region, rows, weight.Columns);
        var y = Buffer(new float[rows * weight.Rows]);
        Linear.Run([new(weight, default, y.Region)], input, LinearEnd.Store, team, path);
        return Values(y).ToArray();
    }

    private PackedMatrix Weight(TensorType type, int outputs, int columns, int seed) =>
        PackedMatrix.Pack(Stored(type, RandomRows.Values(outputs * columns, seed), outputs, columns), _team, new HugePageArena());

    private WeightMatrix Stored(TensorType type, float[] values, int outputs, int columns)
    {
        var bytes = RandomRows.Quantized(type, values);
        var buffer = new NativeBuffer(bytes.Length);
        _buffers.Add(buffer);
        bytes.CopyTo(buffer.Span(0, bytes.Length));
        return new WeightMatrix(buffer.Region, type, outputs, columns);
    }

    private NativeBuffer Buffer(ReadOnlySpan<float> values)
    {
        var buffer = new NativeBuffer((long)values.Length * sizeof(float));
        _buffers.Add(buffer);
        values.CopyTo(Values(buffer));
        return buffer;
    }

    private static Span<float> Values(NativeBuffer buffer) => MemoryMarshal.Cast<byte, float>(buffer.Span(0, (int)buffer.Length));

    private static float Largest(ReadOnlySpan<float> values)
    {
        var largest = 0f;
        foreach (var value in values)
            largest = MathF.Max(largest, MathF.Abs(value));
        return largest;
    }

    private static void AssertSameBits(ReadOnlySpan<float> expected, ReadOnlySpan<float> actual) =>
        Assert.True(RandomRows.Bits(expected).SequenceEqual(RandomRows.Bits(actual)));
}
