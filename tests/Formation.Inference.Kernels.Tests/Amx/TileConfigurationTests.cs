using Formation.Inference.Kernels.Amx;

namespace Formation.Inference.Kernels.Tests.Amx;

public sealed unsafe class TileConfigurationTests
{
    [Fact]
    public void A_whole_block_has_eight_whole_tiles() => Assert.Equal(
        "01000000000000000000000000000000" + "40004000400040004000400040004000"
            + "00000000000000000000000000000000" + "10101010101010100000000000000000",
        Bytes(32, 32));

    [Fact]
    public void An_edge_has_tiles_of_what_is_left() => Assert.Equal(
        "01000000000000000000000000000000" + "40000c0040000c004000400040000c00"
            + "00000000000000000000000000000000" + "10100505100510100000000000000000",
        Bytes(21, 19));

    [Fact]
    public void A_corner_of_one_row_and_one_output_has_three_tiles() => Assert.Equal(
        "01000000000000000000000000000000" + "04000000000000004000000004000000"
            + "00000000000000000000000000000000" + "01000000010010000000000000000000",
        Bytes(1, 1));

    private static string Bytes(int rows, int outputs)
    {
        Assert.Equal(64, sizeof(TileConfiguration));
        var configuration = TileConfiguration.For(rows, outputs);
        return Convert.ToHexStringLower(new ReadOnlySpan<byte>(&configuration, sizeof(TileConfiguration)));
    }
}
