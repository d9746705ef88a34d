using Formation.Inference.Kernels.Formats;
using Formation.Inference.Kernels.Memory;

namespace Formation.Inference.Kernels.Tests;

public sealed class WeightMatrixTests : IDisposable
{
    private readonly NativeBuffer _buffer = new(1000);

    [Fact]
    public void A_matrix_takes_the_bytes_of_its_shape_and_gives_its_rows()
    {
        _buffer.Span(2 * 68, 68).Fill(5);
        var matrix = new WeightMatrix(_buffer.Region, TensorType.Q8_0, rows: 3, columns: 64);
        Assert.Equal(68, matrix.RowBytes);
        Assert.Equal(3 * 68, matrix.Data.Length);
        Assert.Equal(68, matrix.Row(2).Length);
        Assert.Equal(-1, matrix.Row(2).IndexOfAnyExcept((byte)5));
        Assert.Equal(-1, matrix.Row(1).IndexOfAnyExcept((byte)0));
    }

    [Fact]
    public void A_shape_that_the_bytes_do_not_fill_is_refused()
    {
        var error = Assert.Throws<ArgumentException>(() => new WeightMatrix(_buffer.Region, TensorType.Q8_0, rows: 30, columns: 32));
        Assert.Contains("1020", error.Message);
        Assert.Throws<ArgumentOutOfRangeException>(() => new WeightMatrix(_buffer.Region, TensorType.Q8_0, rows: 1, columns: 33));
        Assert.Throws<ArgumentOutOfRangeException>(() => new WeightMatrix(_buffer.Region, TensorType.Q8_0, rows: 0, columns: 32));
        Assert.Throws<ArgumentOutOfRangeException>(() => new WeightMatrix(_buffer.Region, TensorType.Q8_0, rows: 1, columns: 0));
    }

    [Theory]
    [InlineData(-1)]
    [InlineData(3)]
    public void A_row_that_is_not_there_is_refused(int row)
    {
        var matrix = new WeightMatrix(_buffer.Region, TensorType.F32, rows: 3, columns: 5);
        Assert.Throws<ArgumentOutOfRangeException>(() => matrix.Row(row).Length);
    }

    public void Dispose() => _buffer.Dispose();
}
