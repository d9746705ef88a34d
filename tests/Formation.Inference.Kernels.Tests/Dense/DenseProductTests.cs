using System.Runtime.Intrinsics.X86;
using Formation.Inference.Kernels.Dense;
using Formation.Inference.Kernels.Threading;

namespace Formation.Inference.Kernels.Tests.Dense;

public sealed class DenseProductTests
{
    // Sides that are whole tiles, that are not, that are smaller than a tile, and that need several chunks of the inner dimension.
    public static TheoryData<int, int, int> Sides => new()
    {
        { 12, 32, 256 }, { 96, 64, 32 }, { 1, 1, 1 }, { 13, 33, 7 }, { 5, 100, 300 }, { 110, 290, 515 }, { 200, 20, 3 },
    };

    [Theory]
    [MemberData(nameof(Sides))]
    public void Every_product_equals_double_precision(int rows, int outputs, int inputs)
    {
        using var team = new WorkerTeam(2);
        using var product = new DenseProduct(team);
        using DenseMatrix x = Filled(rows, inputs, 1), w = Filled(outputs, inputs, 2), y = Filled(rows, outputs, 3);
        using DenseMatrix dx = Filled(rows, inputs, 4), dw = Filled(outputs, inputs, 5);

        product.InputGradient(y, w, dx, rows);
        AssertProduct(dx, rows, outputs, (row, column, k) => (double)y.Row(row)[k] * w.Row(k)[column]);

        var before = dw.Values.ToArray();
        product.AddWeightGradient(y, x, dw, rows);
        for (var i = 0; i < before.Length; i++)
            dw.Values[i] -= before[i];
        AssertProduct(dw, outputs, rows, (row, column, k) => (double)y.Row(k)[row] * x.Row(k)[column]);

        product.Forward(x, w, y, rows);
        AssertProduct(y, rows, inputs, (row, column, k) => (double)x.Row(row)[k] * w.Row(column)[k]);
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(5)]
    public void Every_path_and_every_number_of_threads_gives_the_scalar_paths_bits(int threads)
    {
        var expected = AllProducts(DenseTilePath.Scalar, threads: 1);

        Assert.Equal(expected, AllProducts(DenseTilePath.Vector128, threads));
        if (Avx512F.IsSupported)
            Assert.Equal(expected, AllProducts(DenseTilePath.Vector512, threads));
    }

    [Fact]
    public void Rows_beyond_the_count_stay_as_they_are()
    {
        using var team = new WorkerTeam(1);
        using var product = new DenseProduct(team);
        using DenseMatrix x = Filled(20, 8, 1), w = Filled(4, 8, 2), y = new(20, 4);

        product.Forward(x, w, y, rows: 13);

        Assert.All(y.Values[(13 * 4)..].ToArray(), value => Assert.Equal(0f, value));
        Assert.NotEqual(0f, y.Row(12)[3]);
    }

    [Fact]
    public void A_matrix_of_other_sides_is_refused()
    {
        using var team = new WorkerTeam(1);
        using var product = new DenseProduct(team);
        using DenseMatrix x = new(4, 8), w = new(4, 7), y = new(4, 4);

        var error = Assert.Throws<ArgumentException>(() => product.Forward(x, w, y, 4));

        Assert.Contains("(4, 8)", error.Message);
        Assert.Contains("(4, 7)", error.Message);
    }

    private static float[] AllProducts(DenseTilePath path, int threads)
    {
        using var team = new WorkerTeam(threads);
        using var product = new DenseProduct(team, path);
        using DenseMatrix x = Filled(130, 70, 1), w = Filled(290, 70, 2), y = Filled(130, 290, 3), dx = Filled(130, 70, 4), dw = Filled(290, 70, 5);
        product.Forward(x, w, y, 130, accumulate: true);
        product.InputGradient(y, w, dx, 130, accumulate: true);
        product.AddWeightGradient(y, x, dw, 130);
        return [.. y.Values, .. dx.Values, .. dw.Values];
    }

    private static DenseMatrix Filled(int rows, int columns, int seed)
    {
        var matrix = new DenseMatrix(rows, columns);
        var random = new Random(seed);
        foreach (ref var value in matrix.Values)
            value = random.NextSingle() - 0.5f;
        return matrix;
    }

    private static void AssertProduct(DenseMatrix result, int rows, int depth, Func<int, int, int, double> term)
    {
        for (var row = 0; row < rows; row++)
        {
            for (var column = 0; column < result.Columns; column++)
            {
                double sum = 0;
                for (var k = 0; k < depth; k++)
                    sum += term(row, column, k);
                Assert.Equal(sum, result.Row(row)[column], 1e-5 * (1 + Math.Sqrt(depth)));
            }
        }
    }
}
