using Formation.Inference.Kernels.Machine;

namespace Formation.Inference.Kernels.Amx;

/// <summary>The matrix unit of this machine, asked for once in the life of the process.</summary>
internal static class TileUnit
{
    private static readonly Lazy<AmxSupport> OfThisProcess = new(() => Obtain(new LinuxTileHost()));

    /// <summary>Whether tiles can be used. The first call asks the system for them.</summary>
    public static AmxSupport Support => OfThisProcess.Value;

    internal static AmxSupport Obtain(ITileHost host)
    {
        if (!host.ProcessorHasTiles)
            return AmxSupport.None;
        if (!host.SystemOffersTiles)
            return AmxSupport.NotEnabled;
        if (!host.TryObtainTiles())
            return AmxSupport.Refused;
        return host.TryLoadCode() ? AmxSupport.Usable : AmxSupport.NoExecutableMemory;
    }
}
