using Formation.Inference.Kernels.Amx;
using Formation.Inference.Kernels.Dispatch;
using Formation.Inference.Kernels.Memory;
using Formation.Inference.Kernels.Tests.Formats;
using Formation.Inference.Kernels.Threading;

namespace Formation.Inference.Kernels.Tests.Amx;

public sealed unsafe class BrainActivationsTests : IDisposable
{
    private readonly WorkerTeam _team = new(2);
    private readonly BrainActivations _x = new();

    [Theory]
    [InlineData(1, 1)]
    [InlineData(16, 32)]
    [InlineData(17, 33)]
    [InlineData(40, 513)]
    [InlineData(530, 1100)]
    public void Every_path_puts_every_value_rounded_into_its_tile_and_zeros_beside(int rows, int inputs)
    {
        // Of what lay there before nothing may be left.
        Set(Enumerable.Repeat(float.NaN, 544 * 1120).ToArray(), 544, 1120, KernelPath.Scalar);
        var values = RandomRows.Values(rows * inputs, seed: rows);
        foreach (var (i, special) in new[] { float.NaN, float.NegativeInfinity, -0f, 1.00390625f, 1.01171875f, 1e-40f, 3.4e38f }.Index())
            values[i * 7 % values.Length] = special;
        var rounded = BrainMatrix.Round(values);
        foreach (var path in KernelPaths.Available)
        {
            Set(values, rows, inputs, path);
            for (var row = 0; row < (rows + 15) / 16 * 16; row++)
            {
                for (var input = 0; input < (inputs + 31) / 32 * 32; input++)
                    Assert.Equal(row < rows && input < inputs ? rounded[(row * inputs) + input] : 0, At(row, input));
            }
        }
    }

    [Fact]
    public void What_a_pass_reads_is_one_run_of_memory_and_all_of_it_is_used()
    {
        Set(new float[1100 * 1300], 1100, 1300, KernelPath.Scalar);
        var next = (byte*)_x.Tiles.Pointer;
        for (var rowChunk = 0; rowChunk < _x.RowChunks; rowChunk++)
        {
            for (var inputChunk = 0; inputChunk < _x.InputChunks; inputChunk++)
            {
                for (var rowTile = 0; rowTile < _x.RowTilesOf(rowChunk); rowTile++, next += _x.StepsOf(inputChunk) * BrainTile.Bytes)
                    Assert.True(next == _x.TilesOf(rowChunk, inputChunk, rowTile));
            }
        }
        Assert.Equal(3, _x.RowChunks);
        Assert.Equal(3, _x.InputChunks);
        Assert.Equal(69 * 41 * BrainTile.Bytes, next - _x.Tiles.Pointer);
        Assert.Equal(1100 - 1024, _x.RowsOf(2));
    }

    [Fact]
    public void A_region_that_is_too_short_is_refused()
    {
        using var buffer = new NativeBuffer(100 * sizeof(float));
        Assert.Throws<ArgumentException>(() => _x.Set(buffer.Region, 2, 51, _team));
        Assert.Throws<ArgumentOutOfRangeException>(() => _x.Set(buffer.Region, -1, 50, _team));
        Assert.Throws<ArgumentOutOfRangeException>(() => _x.Set(buffer.Region, 1, 0, _team));
    }

    public void Dispose()
    {
        _team.Dispose();
        _x.Dispose();
    }

    private void Set(float[] values, int rows, int inputs, KernelPath path)
    {
        using var buffer = new NativeBuffer((long)values.Length * sizeof(float));
        values.CopyTo(new Span<float>(buffer.Region.Pointer, values.Length));
        _x.Set(buffer.Region, rows, inputs, _team, path);
    }

    private ushort At(int row, int input)
    {
        var tile = _x.TilesOf(row / 512, input / 512, row % 512 / 16) + (input % 512 / 32 * BrainTile.Numbers);
        return tile[(row % 16 * BrainTile.Inputs) + (input % 32)];
    }
}
