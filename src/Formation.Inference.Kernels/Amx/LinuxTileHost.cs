using System.Runtime.InteropServices;
using System.Runtime.Intrinsics.X86;
using Formation.Inference.Kernels.MachineCode;

namespace Formation.Inference.Kernels.Amx;

/// <summary>This processor under Linux, which gives a process tile registers only when it asks for them.</summary>
/// <remarks>Sources: Intel's manual, volume 1, chapter 18; the Linux kernel's Documentation/arch/x86/xstate.rst.</remarks>
internal sealed unsafe partial class LinuxTileHost : ITileHost
{
    private const long ArchPrctl = 158;
    private const long GetOfferedState = 0x1021;
    private const long GetPermittedState = 0x1022;
    private const long RequestState = 0x1023;

    // State component 18 is the content of the tiles; their configuration (17) comes with it.
    private const int TileData = 18;

    public bool ProcessorHasTiles
    {
        get
        {
            const int features = 7, palettes = 0x1D;
            const int bf16 = 22, tile = 24, int8 = 25;
            if (!X86Base.X64.IsSupported || X86Base.CpuId(0, 0).Eax < palettes)
                return false;
            const int needed = (1 << bf16) | (1 << tile) | (1 << int8);
            return (X86Base.CpuId(features, 0).Edx & needed) == needed
                && X86Base.CpuId(palettes, 0).Eax >= 1
                && HasExpectedPalette(palettes);
        }
    }

    public bool SystemOffersTiles => TryReadState(GetOfferedState);

    public bool TryObtainTiles() => SystemCall(ArchPrctl, RequestState, TileData) == 0 && TryReadState(GetPermittedState);

    public bool TryLoadCode()
    {
        var code = new Assembler();
        code.Ret();
        using var executable = ExecutableCode.TryLoad(code.Assemble());
        if (executable is null)
            return false;
        ((delegate* unmanaged<void>)executable.EntryPoint)();
        return true;
    }

    /// <summary>Palette 1 has eight tiles of 16 rows of 64 bytes on every processor so far; the kernels rely on it.</summary>
    private static bool HasExpectedPalette(int leaf)
    {
        var (_, bytesPerRow, rows, _) = X86Base.CpuId(leaf, 1);
        return (bytesPerRow & 0xFFFF) == 64 && bytesPerRow >>> 16 == 8 && (rows & 0xFFFF) == 16;
    }

    private static bool TryReadState(long request)
    {
        ulong components = 0;
        // Kernels before 5.16, and sandboxes that know none of this, answer with an error.
        return SystemCall(ArchPrctl, request, (nint)(&components)) == 0 && ((components >> TileData) & 1) != 0;
    }

    // Declared with the parameters that are used: the function takes any number of them.
    [LibraryImport("libc", EntryPoint = "syscall", SetLastError = true)]
    private static partial long SystemCall(long number, long request, nint argument);
}
