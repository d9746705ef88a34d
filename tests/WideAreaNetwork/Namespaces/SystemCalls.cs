using System.ComponentModel;
using System.Runtime.InteropServices;

namespace Formation.Inference.WideAreaNetwork.Namespaces;

/// <summary>
/// What .NET has no call for. Every argument is a number or an array of numbers, so nothing is marshalled and no unsafe code is needed.
/// The constants are those of Linux on x86-64 and Arm64.
/// </summary>
static class SystemCalls
{
    /// <summary>There is something to read.</summary>
    public const short Readable = 0x1;

    /// <summary>The device is gone.</summary>
    public const short Failed = 0x8 | 0x10 | 0x20;

    private const int ReadWrite = 0x2;
    private const int NonBlocking = 0x800;
    private const int CloseOnExec = 0x80000;
    private const int NetworkNamespace = 0x4000_0000;
    private const int InternetProtocol = 2;
    private const int StreamSocket = 1;
    private const nuint SetTunInterface = 0x4004_54CA;
    private const short TunWithoutHeader = 0x0001 | 0x1000;
    private const int SetTimerSlack = 29;
    private const int PriorityOfProcess = 0;
    private const int TerminateSignal = 15;

    /// <summary>A file that <see cref="Poll"/> waits for; a negative number is passed over.</summary>
    [StructLayout(LayoutKind.Sequential)]
    public struct PollFile
    {
        public int File;
        public short Events;
        public short Happened;
    }

    [StructLayout(LayoutKind.Sequential)]
    private struct Duration
    {
        public long Seconds;
        public long Nanoseconds;
    }

    /// <summary>Moves the calling thread, and no other, into the network namespace that an open file stands for.</summary>
    public static void EnterNetworkNamespace(int file) => Check(setns(file, NetworkNamespace), "setns");

    /// <summary>Opens <c>/dev/net/tun</c> as a device of the calling thread's namespace, which reads and writes whole IP packets and never waits.</summary>
    public static int OpenTun(byte[] name)
    {
        var file = Check(open("/dev/net/tun\0"u8.ToArray(), ReadWrite | NonBlocking | CloseOnExec), "/dev/net/tun");
        var request = new byte[40];
        name.CopyTo(request, 0);
        BitConverter.TryWriteBytes(request.AsSpan(16), TunWithoutHeader);
        if (ioctl(file, SetTunInterface, request) >= 0)
            return file;
        var error = Marshal.GetLastPInvokeError();
        _ = close(file);
        throw new Win32Exception(error, $"TUNSETIFF: {Marshal.GetPInvokeErrorMessage(error)}");
    }

    /// <summary>A TCP socket that lives in the calling thread's namespace, whatever thread uses it.</summary>
    public static int OpenTcpSocket() => Check(socket(InternetProtocol, StreamSocket | CloseOnExec, 0), "socket");

    /// <summary>Reads one packet; negative where none waits.</summary>
    public static int Read(SafeHandle file, byte[] buffer) => (int)read(file, buffer, (nuint)buffer.Length);

    /// <summary>Writes one packet; negative where it did not go in.</summary>
    public static int Write(SafeHandle file, byte[] buffer, int count) => (int)write(file, buffer, (nuint)count);

    /// <summary>Waits until a file is ready or the time is over.</summary>
    public static void Poll(PollFile[] files, long nanoseconds)
    {
        var timeout = new Duration { Seconds = nanoseconds / 1_000_000_000, Nanoseconds = nanoseconds % 1_000_000_000 };
        if (ppoll(files, (nuint)files.Length, ref timeout, 0) >= 0)
            return;
        // Interrupted by a signal: what the fields say is of the call before.
        for (var i = 0; i < files.Length; i++)
            files[i].Happened = 0;
    }

    /// <summary>
    /// Makes the calling thread wake when it asked for and not up to 50 us later, and before threads that compute: a router's time does
    /// not depend on how busy the machines beside it are. Where that is not allowed, the thread is as prompt as others.
    /// </summary>
    public static void BecomePrompt()
    {
        _ = prctl(SetTimerSlack, 1, 0, 0, 0);
        _ = setpriority(PriorityOfProcess, 0, -20);
    }

    /// <summary>Asks a process to end (SIGTERM); nothing where it has.</summary>
    public static void Terminate(int processId) => _ = kill(processId, TerminateSignal);

    private static int Check(int result, string what)
    {
        if (result >= 0)
            return result;
        var error = Marshal.GetLastPInvokeError();
        throw new Win32Exception(error, $"{what}: {Marshal.GetPInvokeErrorMessage(error)}");
    }

    [DllImport("libc", SetLastError = true)]
    private static extern int setns(int file, int kind);

    [DllImport("libc", SetLastError = true)]
    private static extern int open(byte[] path, int flags);

    [DllImport("libc")]
    private static extern int close(int file);

    [DllImport("libc", SetLastError = true)]
    private static extern int ioctl(int file, nuint request, byte[] argument);

    [DllImport("libc", SetLastError = true)]
    private static extern int socket(int domain, int type, int protocol);

    [DllImport("libc")]
    private static extern nint read(SafeHandle file, byte[] buffer, nuint count);

    [DllImport("libc")]
    private static extern nint write(SafeHandle file, byte[] buffer, nuint count);

    [DllImport("libc")]
    private static extern int ppoll([In, Out] PollFile[] files, nuint count, ref Duration timeout, nint signals);

    [DllImport("libc")]
    private static extern int prctl(int option, nuint second, nuint third, nuint fourth, nuint fifth);

    [DllImport("libc")]
    private static extern int kill(int process, int signal);

    [DllImport("libc")]
    private static extern int setpriority(int which, uint who, int priority);
}
