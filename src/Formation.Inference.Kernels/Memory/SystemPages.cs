using System.Runtime.InteropServices;

namespace Formation.Inference.Kernels.Memory;

/// <summary>Whole pages of memory from the system, with the access that the caller says.</summary>
internal static unsafe partial class SystemPages
{
    private const int ProtRead = 1;
    private const int ProtWrite = 2;
    private const int ProtExecute = 4;
    private const int MapPrivate = 0x02;
    private const int MapAnonymous = 0x20;

    /// <summary>Bytes up to the end of the last page that a length touches.</summary>
    public static nuint Rounded(nuint bytes)
    {
        var page = (nuint)Environment.SystemPageSize;
        return checked(bytes + page - 1) / page * page;
    }

    /// <summary>Zeroed pages for reading and writing, or null where the system gives none.</summary>
    /// <param name="bytes">A multiple of the page size, above 0.</param>
    public static byte* TryMap(nuint bytes)
    {
        var address = MemoryMap(null, bytes, ProtRead | ProtWrite, MapPrivate | MapAnonymous, -1, 0);
        return (nint)address == -1 ? null : (byte*)address;
    }

    /// <summary>From now on the pages can be read and executed, and no longer written.</summary>
    /// <returns>False where the system refuses.</returns>
    public static bool TryMakeExecutable(byte* address, nuint bytes) => MemoryProtect(address, bytes, ProtRead | ProtExecute) == 0;

    /// <summary>From now on any access to the pages faults.</summary>
    /// <returns>False where the system refuses.</returns>
    public static bool TryForbidAccess(byte* address, nuint bytes) => MemoryProtect(address, bytes, 0) == 0;

    /// <summary>Gives pages back.</summary>
    public static void Unmap(byte* address, nuint bytes) => _ = MemoryUnmap(address, bytes);

    [LibraryImport("libc", EntryPoint = "mmap", SetLastError = true)]
    private static partial void* MemoryMap(void* address, nuint length, int protection, int flags, int file, nint offset);

    [LibraryImport("libc", EntryPoint = "mprotect", SetLastError = true)]
    private static partial int MemoryProtect(void* address, nuint length, int protection);

    [LibraryImport("libc", EntryPoint = "munmap", SetLastError = true)]
    private static partial int MemoryUnmap(void* address, nuint length);
}
