using Formation.Inference.Kernels.Amx;
using Formation.Inference.Kernels.Machine;

namespace Formation.Inference.Kernels.Tests.Amx;

/// <summary>The product on the matrix unit itself, where there is one.</summary>
public sealed class MachineTileProductTests : TileProductConformance
{
    public MachineTileProductTests() =>
        Assert.SkipUnless(TileUnit.Support == AmxSupport.Usable, $"this machine has no matrix tiles for us: {TileUnit.Support}");

    internal override ITileKernel Kernel => MachineTileKernel.Instance;
}
