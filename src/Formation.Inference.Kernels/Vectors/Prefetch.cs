using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics.X86;

namespace Formation.Inference.Kernels.Vectors;

/// <summary>Tells the processor what is read soon; nothing where the run-time has no instruction for it.</summary>
internal static unsafe class Prefetch
{
    public const int LineBytes = 64;

    /// <summary>
    /// Asks for the cache line of an address, which need not be readable. It goes to the second level: the first one has too few lines under
    /// way at a time to keep the memory busy.
    /// </summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Line(byte* address)
    {
        if (Sse.IsSupported)
            Sse.Prefetch1(address);
    }
}
