using Formation.Inference.Kernels.Dispatch;
using Formation.Inference.Kernels.Layers;
using Formation.Inference.Kernels.Tests.Formats;

namespace Formation.Inference.Kernels.Tests.Layers;

public sealed class LayerKernelTests
{
    /// <summary>Every path with row lengths that fill vectors, leave a rest, and are shorter than any.</summary>
    public static TheoryData<KernelPath, int> PathsAndSizes()
    {
        var data = new TheoryData<KernelPath, int>();
        foreach (var path in KernelPaths.Available)
        {
            foreach (var size in (int[])[2, 6, 16, 46, 64, 576])
                data.Add(path, size);
        }
        return data;
    }

    [Theory]
    [MemberData(nameof(PathsAndSizes))]
    public void RmsNorm_is_that_of_double_precision(KernelPath path, int columns)
    {
        const int rows = 3;
        const float epsilon = 1e-5f;
        var (x, gain, y) = (RandomRows.Values(rows * columns, 1), RandomRows.Values(columns, 2), new float[rows * columns]);
        RmsNorm.Apply(x, gain, epsilon, y, path);

        for (var row = 0; row < rows; row++)
        {
            var values = x.AsSpan(row * columns, columns).ToArray();
            var scale = 1 / Math.Sqrt(values.Average(value => (double)value * value) + epsilon);
            for (var i = 0; i < columns; i++)
                AssertClose(values[i] * scale * gain[i], y[row * columns + i], 4e-7);
        }
    }

    [Theory]
    [MemberData(nameof(PathsAndSizes))]
    public void RmsNorm_can_write_where_it_reads(KernelPath path, int columns)
    {
        var (x, gain) = (RandomRows.Values(2 * columns, 1), RandomRows.Values(columns, 2));
        var apart = new float[x.Length];
        RmsNorm.Apply(x, gain, 1e-5f, apart, path);

        RmsNorm.Apply(x, gain, 1e-5f, x, path);

        Assert.Equal(apart, x);
    }

    [Theory]
    [InlineData(46)]
    [InlineData(576)]
    public void RmsNorm_has_the_same_bits_on_every_path(int columns)
    {
        var (x, gain) = (RandomRows.Values(2 * columns, 1), RandomRows.Values(columns, 2));
        var expected = new float[x.Length];
        RmsNorm.Apply(x, gain, 1e-5f, expected, KernelPath.Scalar);
        foreach (var path in KernelPaths.Available)
        {
            var actual = new float[x.Length];
            RmsNorm.Apply(x, gain, 1e-5f, actual, path);
            Assert.Equal(expected, actual);
        }
    }

    [Fact]
    public void RmsNorm_refuses_lengths_that_do_not_fit() =>
        Assert.Throws<ArgumentException>(() => RmsNorm.Apply(new float[10], new float[4], 1e-5f, new float[10]));

    [Theory]
    [MemberData(nameof(PathsAndSizes))]
    public void SwiGlu_is_that_of_double_precision(KernelPath path, int count)
    {
        var (gate, up, y) = (RandomRows.Values(count, 3, scale: 4), RandomRows.Values(count, 4), new float[count]);
        GatedActivation.SwiGlu(gate, up, y, path);

        for (var i = 0; i < count; i++)
            AssertClose(gate[i] / (1 + Math.Exp(-(double)gate[i])) * up[i], y[i], 1e-6);
    }

    [Theory]
    [MemberData(nameof(PathsAndSizes))]
    public void SwiGlu_gives_a_value_the_same_bits_wherever_it_lies(KernelPath path, int count)
    {
        var (gate, up, y) = (RandomRows.Values(count, 3), RandomRows.Values(count, 4), new float[count]);
        GatedActivation.SwiGlu(gate, up, y, path);
        for (var first = 1; first < Math.Min(count, 20); first++)
        {
            var part = new float[count - first];
            GatedActivation.SwiGlu(gate.AsSpan(first), up.AsSpan(first), part, path);
            Assert.Equal(y[first..], part);
        }
    }

    [Theory]
    [InlineData(-200f, 0f)]
    [InlineData(200f, 200f)]
    [InlineData(0f, 0f)]
    public void SwiGlu_saturates_without_becoming_NaN(float gate, float expected)
    {
        foreach (var path in KernelPaths.Available)
        {
            var y = new float[17];
            GatedActivation.SwiGlu(Enumerable.Repeat(gate, 17).ToArray(), Enumerable.Repeat(1f, 17).ToArray(), y, path);
            Assert.All(y, value => Assert.Equal(expected, value, 1e-6f));
        }
    }

    [Theory]
    [MemberData(nameof(PathsAndSizes))]
    public void A_bias_is_added_to_every_row(KernelPath path, int columns)
    {
        var (bias, y) = (RandomRows.Values(columns, 5), RandomRows.Values(3 * columns, 6));
        var expected = y.Select((value, i) => value + bias[i % columns]).ToArray();

        Addition.Accumulate(bias, y, path);

        Assert.Equal(expected, y);
    }

    [Fact]
    public void Addition_refuses_lengths_that_do_not_fit() =>
        Assert.Throws<ArgumentException>(() => Addition.Accumulate(new float[4], new float[10]));

    private static void AssertClose(double expected, double actual, double relative)
    {
        var tolerance = relative * Math.Max(Math.Abs(expected), 1e-3);
        Assert.InRange(actual, expected - tolerance, expected + tolerance);
    }
}
