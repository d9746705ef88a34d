using Formation.Inference.Kernels.Amx;
using Formation.Inference.Kernels.Dispatch;
using Formation.Inference.Kernels.Machine;

namespace Formation.Inference.Kernels.Tests.Amx;

public sealed class TileUnitTests
{
    [Theory]
    [InlineData(0, AmxSupport.None)]
    [InlineData(1, AmxSupport.NotEnabled)]
    [InlineData(2, AmxSupport.Refused)]
    [InlineData(3, AmxSupport.NoExecutableMemory)]
    [InlineData(4, AmxSupport.Usable)]
    public void The_first_thing_that_stands_in_the_way_is_named_and_nothing_after_it_is_tried(int stepsThatPass, AmxSupport expected)
    {
        var host = new InventedHost(stepsThatPass);
        Assert.Equal(expected, TileUnit.Obtain(host));
        Assert.Equal(Math.Min(stepsThatPass + 1, 4), host.Asked);
    }

    [Fact]
    public void The_tile_path_is_there_exactly_where_the_unit_and_AVX_512_are()
    {
        var usable = TileUnit.Support == AmxSupport.Usable && KernelPaths.Available.Contains(KernelPath.Avx512);
        Assert.Equal(usable, KernelPaths.Available.Contains(KernelPath.Amx));
        Assert.Equal(TileUnit.Support, CpuFeatures.Read().Amx);
    }

    [Fact]
    public void A_processor_whose_description_names_tiles_is_not_said_to_have_none()
    {
        var flags = File.ReadLines("/proc/cpuinfo").Where(line => line.StartsWith("flags", StringComparison.Ordinal));
        var named = flags.Any(line => line.Contains("amx_bf16"));
        Assert.Equal(named, TileUnit.Support > AmxSupport.NotEnabled);
    }

    private sealed class InventedHost(int stepsThatPass) : ITileHost
    {
        internal int Asked { get; private set; }

        public bool ProcessorHasTiles => Step();

        public bool SystemOffersTiles => Step();

        public bool TryObtainTiles() => Step();

        public bool TryLoadCode() => Step();

        private bool Step() => Asked++ < stepsThatPass;
    }
}
