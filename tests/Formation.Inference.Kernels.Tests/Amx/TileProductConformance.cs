using Formation.Inference.Kernels.Amx;
using Formation.Inference.Kernels.Dispatch;
using Formation.Inference.Kernels.Layers;
using Formation.Inference.Kernels.Memory;
using Formation.Inference.Kernels.Tests.Formats;
using Formation.Inference.Kernels.Threading;
using Formation.Inference.Kernels.Tiles;

namespace Formation.Inference.Kernels.Tests.Amx;

/// <summary>
/// What every <see cref="ITileKernel"/> has to give: the bits of <see cref="BrainDot"/>, at all sizes, and nothing beside its results.
/// </summary>
public abstract unsafe class TileProductConformance : IDisposable
{
    // Behind the results: must stay as it is.
    private const float Guard = 12345.678f;
    private const int GuardFloats = 64;

    private readonly WorkerTeam _team = new(3);
    private readonly BrainActivations _x = new();
    private readonly List<NativeBuffer> _buffers = [];

    /// <summary>Rows, inputs and outputs: below, at and above the borders of tiles, of pairs of tiles, of chunks.</summary>
    public static TheoryData<int, int, int> Sizes() => new()
    {
        { 1, 1, 1 },
        { 1, 32, 16 },
        { 2, 33, 15 },
        { 16, 31, 17 },
        { 17, 64, 32 },
        { 31, 96, 33 },
        { 32, 512, 48 },
        { 33, 513, 31 },
        { 47, 544, 65 },
        { 48, 1057, 20 },
        { 5, 1600, 300 },
        { 512, 40, 16 },
        { 513, 33, 34 },
        { 1041, 16, 3 },
    };

    internal abstract ITileKernel Kernel { get; }

    [Theory]
    [MemberData(nameof(Sizes))]
    public void Every_sum_has_the_bits_of_its_definition(int rows, int inputs, int outputs)
    {
        var weight = BrainMatrix.Random(outputs, inputs, seed: rows);
        var x = RandomRows.Values(rows * inputs, seed: outputs);
        var y = Run(LinearEnd.Store, x, rows, [(weight, null)])[0];
        AssertDefinition(x, rows, weight, (_, _) => 0, y);
    }

    [Theory]
    [InlineData(3, 70, 20)]
    [InlineData(35, 600, 49)]
    public void A_bias_is_what_the_sums_begin_with(int rows, int inputs, int outputs)
    {
        var weight = BrainMatrix.Random(outputs, inputs, seed: 1);
        var x = RandomRows.Values(rows * inputs, seed: 2);
        var bias = RandomRows.Values(outputs, seed: 3);
        var y = Run(LinearEnd.Store, x, rows, [(weight, bias)])[0];
        AssertDefinition(x, rows, weight, (_, output) => bias[output], y);
    }

    [Theory]
    [InlineData(3, 70, 20, false)]
    [InlineData(35, 600, 49, false)]
    [InlineData(35, 600, 49, true)]
    public void Sums_are_added_to_what_is_there(int rows, int inputs, int outputs, bool hasBias)
    {
        var weight = BrainMatrix.Random(outputs, inputs, seed: 4);
        var x = RandomRows.Values(rows * inputs, seed: 5);
        var before = RandomRows.Values(rows * outputs, seed: 6);
        var bias = hasBias ? RandomRows.Values(outputs, seed: 7) : null;
        var y = Run(LinearEnd.Add, x, rows, [(weight, bias)], before)[0];
        AssertDefinition(x, rows, weight, (row, output) => before[(row * outputs) + output] + (bias?[output] ?? 0), y);
    }

    [Theory]
    [InlineData(3, 70, 20, false)]
    [InlineData(35, 600, 49, true)]
    [InlineData(70, 33, 300, false)]
    public void One_layer_gates_the_other(int rows, int inputs, int outputs, bool hasBias)
    {
        var gate = BrainMatrix.Random(outputs, inputs, seed: 8);
        var up = BrainMatrix.Random(outputs, inputs, seed: 9);
        var x = RandomRows.Values(rows * inputs, seed: 10);
        var gateBias = hasBias ? RandomRows.Values(outputs, seed: 11) : null;
        var upBias = hasBias ? RandomRows.Values(outputs, seed: 12) : null;
        var y = Run(LinearEnd.Gate, x, rows, [(gate, gateBias), (up, upBias)])[0];
        var gates = Definition(x, rows, gate, (_, output) => gateBias?[output] ?? 0);
        var expected = new float[rows * outputs];
        GatedActivation.SwiGlu(gates, Definition(x, rows, up, (_, output) => upBias?[output] ?? 0), expected, KernelPaths.Current);
        AssertSameBits(expected, y);
    }

    [Fact]
    public void Layers_of_one_input_are_computed_together()
    {
        const int rows = 37, inputs = 130;
        var weights = new[] { 40, 1, 16, 310 }.Select(outputs => BrainMatrix.Random(outputs, inputs, seed: outputs)).ToArray();
        var x = RandomRows.Values(rows * inputs, seed: 13);
        var results = Run(LinearEnd.Store, x, rows, [.. weights.Select(weight => (weight, (float[]?)null))]);
        foreach (var (weight, y) in weights.Zip(results))
            AssertDefinition(x, rows, weight, (_, _) => 0, y);
    }

    [Fact]
    public void A_row_has_the_same_bits_alone_and_among_others_and_with_any_number_of_threads()
    {
        const int rows = 600, inputs = 545, outputs = 24;
        var weight = BrainMatrix.Random(outputs, inputs, seed: 14);
        var x = RandomRows.Values(rows * inputs, seed: 15);
        var all = Run(LinearEnd.Store, x, rows, [(weight, null)])[0];
        using var single = new WorkerTeam(1);
        foreach (var (first, count) in new[] { (0, 1), (17, 1), (30, 40), (599, 1), (511, 2) })
        {
            var part = Run(LinearEnd.Store, x[(first * inputs)..((first + count) * inputs)], count, [(weight, null)], team: single)[0];
            AssertSameBits(all.AsSpan(first * outputs, count * outputs), part);
        }
    }

    [Fact]
    public void Sums_are_those_of_double_precision_within_the_rounding_of_their_additions()
    {
        const int rows = 20, inputs = 2000, outputs = 35;
        var weight = BrainMatrix.Random(outputs, inputs, seed: 16);
        var x = RandomRows.Values(rows * inputs, seed: 17);
        var y = Run(LinearEnd.Store, x, rows, [(weight, null)])[0];
        for (var row = 0; row < rows; row++)
        {
            var left = Padded(x, row, inputs);
            for (var output = 0; output < outputs; output++)
            {
                var right = weight.Row(output);
                double sum = 0, magnitude = 0;
                for (var i = 0; i < inputs; i++)
                {
                    var product = (double)BitConverter.Int32BitsToSingle(left[i] << 16) * BitConverter.Int32BitsToSingle(right[i] << 16);
                    sum += product;
                    magnitude += Math.Abs(product);
                }
                // A product meets at most 16 roundings in its tile, one where even and odd meet, and one for each further tile.
                var roundings = 17 + BrainTile.StepsFor(inputs);
                Assert.InRange(y[(row * outputs) + output] - sum, -magnitude * roundings * 6e-8, magnitude * roundings * 6e-8);
            }
        }
    }

    [Fact]
    public void Numbers_too_small_to_be_normal_count_as_zero_and_others_spread_as_they_do()
    {
        const int inputs = 64;
        var smallest = BitConverter.Int32BitsToSingle(0x0080_0000);
        var x = new float[4 * inputs];
        x[5] = smallest / 2;
        x[inputs + 5] = smallest;
        x[(2 * inputs) + 5] = float.PositiveInfinity;
        x[(3 * inputs) + 5] = float.NaN;
        var values = new float[2 * inputs];
        values[5] = 2;
        values[inputs + 5] = 0.5f;
        var y = Run(LinearEnd.Store, x, 4, [(new BrainMatrix(values, 2, inputs), null)])[0];
        Assert.Equal([0, 0, 2 * smallest, 0, float.PositiveInfinity, float.PositiveInfinity, float.NaN, float.NaN], y);
    }

    public void Dispose()
    {
        _team.Dispose();
        _x.Dispose();
        _buffers.ForEach(buffer => buffer.Dispose());
        GC.SuppressFinalize(this);
    }

    /// <summary>Tells the kernel about memory that a product may touch.</summary>
    internal virtual void Allow(MemoryRegion region, bool writable)
    {
    }

    private float[][] Run(
        LinearEnd end, float[] x, int rows, (BrainMatrix Weight, float[]? Bias)[] layers, float[]? before = null, WorkerTeam? team = null)
    {
        team ??= _team;
        _x.Set(Store(x), rows, x.Length / rows, team);
        Allow(_x.Tiles, writable: false);
        for (var worker = 0; worker < team.Threads; worker++)
        {
            // The largest that a task asks for, so that it does not move under the kernel.
            fixed (float* scratch = team.Scratch(worker, 1 << 18))
                Allow(new MemoryRegion((byte*)scratch, sizeof(float) << 18), writable: true);
        }
        var guard = Enumerable.Repeat(Guard, GuardFloats);
        var results = layers.Select(layer => Store([.. before ?? new float[rows * layer.Weight.Outputs], .. guard])).ToArray();
        var targets = layers.Zip(results, (layer, result) =>
        {
            Allow(result.Slice(0, (long)rows * layer.Weight.Outputs * sizeof(float)), writable: true);
            var bias = default(MemoryRegion);
            if (layer.Bias is not null)
                Allow(bias = Store(layer.Bias), writable: false);
            return new TileTarget(layer.Weight, (float*)bias.Pointer, (float*)result.Pointer);
        }).ToArray();

        TileProduct.Run(targets, _x, end, team, Kernel);

        return [.. layers.Zip(results, (layer, result) =>
        {
            var all = new ReadOnlySpan<float>(result.Pointer, (rows * layer.Weight.Outputs) + GuardFloats).ToArray();
            Assert.All(all[^GuardFloats..], value => Assert.Equal(Guard, value));
            return all[..^GuardFloats];
        })];
    }

    private MemoryRegion Store(float[] values)
    {
        var buffer = new NativeBuffer((long)values.Length * sizeof(float));
        _buffers.Add(buffer);
        values.CopyTo(new Span<float>(buffer.Region.Pointer, values.Length));
        return buffer.Region;
    }

    private static void AssertDefinition(float[] x, int rows, BrainMatrix weight, Func<int, int, float> addend, float[] y) =>
        AssertSameBits(Definition(x, rows, weight, addend), y);

    private static float[] Definition(float[] x, int rows, BrainMatrix weight, Func<int, int, float> addend)
    {
        var expected = new float[rows * weight.Outputs];
        var weights = Enumerable.Range(0, weight.Outputs).Select(weight.Row).ToArray();
        for (var row = 0; row < rows; row++)
        {
            var left = Padded(x, row, weight.Inputs);
            for (var output = 0; output < weight.Outputs; output++)
                expected[(row * weight.Outputs) + output] = BrainDot.Accumulate(left, weights[output], addend(row, output));
        }
        return expected;
    }

    private static ushort[] Padded(float[] x, int row, int inputs) =>
        [.. BrainMatrix.Round(x[(row * inputs)..((row + 1) * inputs)]), .. new ushort[-inputs & (BrainTile.Inputs - 1)]];

    private static void AssertSameBits(ReadOnlySpan<float> expected, ReadOnlySpan<float> actual) =>
        Assert.Equal(RandomRows.Bits(expected).ToArray(), RandomRows.Bits(actual).ToArray());
}
