using System.Runtime.InteropServices;

namespace Formation.Inference.Kernels.Memory;

/// <summary>What the system is told about the use of memory. Advice only: a refusal changes nothing but speed or size.</summary>
internal static unsafe partial class MemoryAdvice
{
    // From Linux's include/uapi/asm-generic/mman-common.h.
    private const int DontNeed = 4;
    private const int HugePage = 14;

    /// <summary>
    /// Asks for huge pages, of which a processor remembers the addresses of far more memory. Many systems give them only to who asks.
    /// </summary>
    internal static void UseHugePages(byte* pointer, long length) => Advise(pointer, length, HugePage);

    /// <summary>Gives up the pages of a mapped file that lie wholly inside; a later access reads them from the file again.</summary>
    /// <remarks>For a file's pages only: anonymous memory would lose its content.</remarks>
    internal static void ReleaseFilePages(byte* pointer, long length) => Advise(pointer, length, DontNeed);

    /// <summary>Gives up the pages of anonymous memory that lie wholly inside; a later access finds zeros.</summary>
    internal static void Discard(byte* pointer, long length) => Advise(pointer, length, DontNeed);

    private static void Advise(byte* pointer, long length, int advice)
    {
        var page = (nuint)Environment.SystemPageSize;
        var start = ((nuint)pointer + page - 1) & ~(page - 1);
        var end = ((nuint)pointer + (nuint)length) & ~(page - 1);
        if (end > start)
            _ = NativeAdvise((void*)start, end - start, advice);
    }

    [LibraryImport("libc", EntryPoint = "madvise")]
    private static partial int NativeAdvise(void* address, nuint length, int advice);
}
