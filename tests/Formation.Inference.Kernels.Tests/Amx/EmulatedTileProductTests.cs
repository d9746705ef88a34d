using Formation.Inference.Kernels.Amx;
using Formation.Inference.Kernels.Memory;
using Formation.Inference.Kernels.Tests.Amx.Emulation;

namespace Formation.Inference.Kernels.Tests.Amx;

/// <summary>The product with its machine code run by the emulator: on every machine.</summary>
public sealed class EmulatedTileProductTests : TileProductConformance
{
    private readonly EmulatedTileKernel _kernel = new();

    internal override ITileKernel Kernel => _kernel;

    [Fact]
    public void Pairs_of_tiles_are_used_wherever_there_are_as_many_rows_and_outputs()
    {
        Every_sum_has_the_bits_of_its_definition(rows: 77, inputs: 550, outputs: 80);
        // 77 rows are two blocks of two tiles and one tile; 80 outputs two pairs of strips and one strip; 550 inputs two chunks.
        Assert.Equal(4, _kernel.Passes[new TilePassShape(2, 2)]);
        Assert.Equal(4, _kernel.Passes[new TilePassShape(1, 2)]);
        Assert.Equal(2, _kernel.Passes[new TilePassShape(2, 1)]);
        Assert.Equal(2, _kernel.Passes[new TilePassShape(1, 1)]);
        // Five tiles of rows, five strips, 18 tiles of inputs.
        Assert.Equal(5 * 5 * 18, _kernel.Products);
    }

    internal override void Allow(MemoryRegion region, bool writable) => _kernel.Allow(region, writable);
}
