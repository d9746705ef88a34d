using System.Text.RegularExpressions;
using Formation.Inference.Kernels.Amx;
using Formation.Inference.Kernels.Memory;
using Formation.Inference.Kernels.Tests.Amx.Emulation;
using Formation.Inference.Kernels.Tests.MachineCode;

namespace Formation.Inference.Kernels.Tests.Amx;

public sealed unsafe partial class TilePassCodeTests
{
    [Fact]
    public void The_disassembler_reads_the_whole_code_of_every_shape()
    {
        Binutils.Require();
        foreach (var shape in TilePassShape.All)
        {
            var lines = Binutils.Disassemble(TilePassCode.Assemble(shape));
            Assert.DoesNotContain(lines, line => line.Contains("bad", StringComparison.Ordinal));
            Assert.Equal(shape.RowTiles * shape.Strips, lines.Count(line => line.StartsWith("tdpbf16ps", StringComparison.Ordinal)));
            Assert.Equal(shape.RowTiles, lines.Count(line => line.StartsWith("tileloaddt1", StringComparison.Ordinal)));
            Assert.Equal(2, lines.Count(line => Configuring().IsMatch(line)));
            Assert.Equal("ret", lines[^1]);
        }
    }

    [Fact]
    public void The_emulator_refuses_what_the_code_was_not_given()
    {
        var kernel = new EmulatedTileKernel();
        var configuration = TileConfiguration.For(1, 1);
        var memory = stackalloc ushort[2 * BrainTile.Numbers];
        var pass = Pass(&configuration, memory);
        var address = (nint)(&pass);
        var error = Assert.Throws<InvalidOperationException>(() => kernel.Run(new TilePassShape(1, 1), (TilePass*)address));
        Assert.Contains("outside", error.Message);
        Assert.Contains("read of 64 bytes", error.Message);
    }

    [Fact]
    public void The_emulator_refuses_tiles_whose_shapes_do_not_fit()
    {
        var kernel = new EmulatedTileKernel();
        var configuration = TileConfiguration.For(16, 16);
        var memory = stackalloc ushort[2 * BrainTile.Numbers];
        kernel.Allow(new MemoryRegion((byte*)memory, 2 * BrainTile.Bytes), writable: true);
        var pass = Pass(&configuration, memory);
        var address = (nint)(&pass);
        var error = Assert.Throws<InvalidOperationException>(() => kernel.Run(new TilePassShape(2, 2), (TilePass*)address));
        Assert.Contains("has no shape", error.Message);
    }

    /// <summary>One step of one block, its activations and weights one behind the other.</summary>
    private static TilePass Pass(TileConfiguration* configuration, ushort* tiles) =>
        new() { Configuration = configuration, Activations = tiles, Weights = tiles + BrainTile.Numbers, Steps = 1, Blocks = 1 };

    [GeneratedRegex("^(ldtilecfg|tilerelease)")]
    private static partial Regex Configuring();
}
