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

    [Fact]
    public void A_slice_of_rows_and_columns_has_the_bytes_of_these_and_no_others()
    {
        // Four rows of three blocks; each block is filled with 10 · row + block.
        for (var block = 0; block < 12; block++)
            _buffer.Span(block * 18, 18).Fill((byte)((block / 3 * 10) + (block % 3)));
        var matrix = new WeightMatrix(_buffer.Region, TensorType.Q4_0, rows: 4, columns: 96);

        var slice = matrix.SliceRows(1, 2).SliceColumns(32, 64);

        Assert.Equal((2, 64, 36L, 54L), (slice.Rows, slice.Columns, slice.RowBytes, slice.Stride));
        Assert.Equal([.. Enumerable.Repeat((byte)11, 18), .. Enumerable.Repeat((byte)12, 18)], slice.Row(0).ToArray());
        Assert.Equal([.. Enumerable.Repeat((byte)21, 18), .. Enumerable.Repeat((byte)22, 18)], slice.Row(1).ToArray());
        Assert.Equal(54 + 36, slice.Data.Length);
    }

    [Fact]
    public void A_slice_that_leaves_the_matrix_or_ends_inside_a_block_is_refused()
    {
        var matrix = new WeightMatrix(_buffer.Region, TensorType.Q4_0, rows: 4, columns: 96);

        Assert.Throws<ArgumentOutOfRangeException>(() => matrix.SliceRows(3, 2));
        Assert.Throws<ArgumentOutOfRangeException>(() => matrix.SliceRows(-1, 1));
        Assert.Throws<ArgumentOutOfRangeException>(() => matrix.SliceColumns(64, 64));
        Assert.Throws<ArgumentOutOfRangeException>(() => matrix.SliceColumns(16, 32));
        Assert.Throws<ArgumentOutOfRangeException>(() => matrix.SliceColumns(32, 16));
    }

    public void Dispose() => _buffer.Dispose();
}
