using System.Globalization;
using System.Runtime.InteropServices;
using Formation.Inference.Kernels.Dispatch;
using Formation.Inference.Kernels.Formats;
using Formation.Inference.Kernels.Memory;
using Formation.Inference.Kernels.Tests.Formats;
using Formation.Inference.Kernels.Threading;
using Formation.Inference.Kernels.Tiles;

namespace Formation.Inference.Kernels.Tests;

/// <summary>Holds the kernels to the table that docs/formats/kernel-errors.md publishes, and the table to the kernels.</summary>
public sealed class KernelErrorTests : IDisposable
{
    // Odd numbers of outputs, of blocks and of rows: one strip and less, pairs with and without a second strip, one row and several.
    private static readonly (int Outputs, int Blocks, int Rows)[] Shapes = [(1, 3, 1), (17, 5, 1), (37, 3, 5), (50, 9, 2), (33, 17, 7)];

    private readonly WorkerTeam _team = new(2);

    public static TheoryData<TensorType> Types() => [.. RandomRows.ComputedTypes];

    [Theory]
    [MemberData(nameof(Types))]
    public void The_error_against_float64_is_what_the_table_says(TensorType type)
    {
        var published = Published()[type.ToString()];
        foreach (var path in KernelPaths.Available)
        {
            double error = 0, size = 0;
            foreach (var (outputs, blocks, rows) in Shapes)
                AddErrors(type, outputs, blocks, rows, path, ref error, ref size);
            var relative = Math.Sqrt(error / size);
            Assert.True(
                relative <= published && published <= 1.2 * relative,
                string.Create(CultureInfo.InvariantCulture, $"{type}, {KernelPaths.Name(path)}: {relative:0.00e+0}, published {published:0.00e+0}"));
        }
    }

    [Fact]
    public void The_table_has_a_row_for_every_format_and_no_other() =>
        Assert.Equal(RandomRows.ComputedTypes.Select(type => type.ToString()).Order(), Published().Keys.Order());

    public void Dispose() => _team.Dispose();

    /// <summary>Adds the squares of a product's errors, and of its exact results; the weights are exact as they are stored.</summary>
    private void AddErrors(TensorType type, int outputs, int blocks, int rows, KernelPath path, ref double error, ref double size)
    {
        var columns = blocks * Math.Max(32, TensorTypeInfo.Of(type).BlockSize);
        var bytes = RandomRows.Quantized(type, RandomRows.Values(outputs * columns, seed: outputs));
        var x = RandomRows.Values(rows * columns, seed: columns + rows);
        using var stored = Filled(bytes);
        using var input = Filled<float>(x);
        using var y = new NativeBuffer((long)rows * outputs * sizeof(float));
        var weight = new WeightMatrix(stored.Region, type, outputs, columns);
        using var packed = PackedMatrix.Pack(weight, _team, new HugePageArena());
        using var linearInput = new LinearInput();
        linearInput.Set(input.Region, rows, columns);
        Linear.Run([new(packed, default, y.Region)], linearInput, LinearEnd.Store, _team, path);
        var actual = MemoryMarshal.Cast<byte, float>(y.Span(0, (int)y.Length));
        var w = new float[columns];
        for (var output = 0; output < outputs; output++)
        {
            Dequantizer.Row(type, weight.Row(output), w);
            for (var row = 0; row < rows; row++)
            {
                double exact = 0;
                for (var k = 0; k < columns; k++)
                    exact += (double)w[k] * x[row * columns + k];
                error += Math.Pow(actual[row * outputs + output] - exact, 2);
                size += exact * exact;
            }
        }
    }

    private static NativeBuffer Filled<T>(ReadOnlySpan<T> values) where T : unmanaged
    {
        var bytes = MemoryMarshal.AsBytes(values);
        var buffer = new NativeBuffer(bytes.Length);
        bytes.CopyTo(buffer.Span(0, bytes.Length));
        return buffer;
    }

    private static NativeBuffer Filled(byte[] values) => Filled<byte>(values);

    private static Dictionary<string, double> Published() =>
        File.ReadLines(Path.Combine(AppContext.BaseDirectory, "kernel-errors.md"))
            .Select(line => line.Split('|', StringSplitOptions.TrimEntries))
            .Where(cells => cells.Length == 4 && double.TryParse(cells[2], CultureInfo.InvariantCulture, out _))
            .ToDictionary(cells => cells[1], cells => double.Parse(cells[2], CultureInfo.InvariantCulture));
}
