using System.Runtime.InteropServices;

namespace Formation.Inference.Kernels.Threading;

/// <summary>
/// Parking of threads on a word of memory, by the Linux kernel. About twenty times cheaper than a monitor where the word has changed
/// by the time a thread would park, and a wake-up costs one system call for any number of threads.
/// </summary>
internal static unsafe partial class Futex
{
    private const int WaitPrivate = 128;
    private const int WakePrivate = 129;

    // x86-64 has its own table of system calls; the architectures that came later share one.
    private static readonly long Number = RuntimeInformation.ProcessArchitecture == Architecture.X64 ? 202 : 98;

    /// <summary>Parks this thread while the word has the value. May return without a reason: the caller looks at the word again.</summary>
    public static void Wait(int* word, int value) => _ = SystemCall(Number, word, WaitPrivate, value, null);

    /// <summary>Wakes threads that are parked on the word.</summary>
    public static void Wake(int* word, int threads) => _ = SystemCall(Number, word, WakePrivate, threads, null);

    [LibraryImport("libc", EntryPoint = "syscall")]
    private static partial long SystemCall(long number, int* word, int operation, int value, void* timeout);
}
