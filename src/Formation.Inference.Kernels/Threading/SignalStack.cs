using System.Runtime.InteropServices;
using Formation.Inference.Kernels.Memory;

namespace Formation.Inference.Kernels.Threading;

/// <summary>
/// A larger stack for the signal handlers of one thread. Once a thread has used matrix tiles, the kernel stores their state on top of that
/// stack with every signal, and the run-time's own stack of 16 KB overflows: a null reference would then end the process.
/// </summary>
/// <remarks>
/// The run-time frees whatever signal stack a thread has when it ends, so the old one has to be back by then: whoever installs one on a
/// thread disposes of it on that thread.
/// </remarks>
internal sealed unsafe partial class SignalStack : IDisposable
{
    private const nuint SmallestBytes = 64 << 10;

    // Beside the state that the kernel stores: what the handlers themselves need, with much to spare.
    private const nuint HandlerBytes = 48 << 10;

    private const int MinimalSignalStackBytes = 51;

    [ThreadStatic]
    private static SignalStack? _ofThisThread;

    private readonly byte* _pages;
    private readonly nuint _bytes;
    private readonly StackDescription _old;
    private bool _removed;

    private SignalStack()
    {
        var guard = (nuint)Environment.SystemPageSize;
        var usable = SystemPages.Rounded(Math.Max(SmallestBytes, GetAuxiliaryValue(MinimalSignalStackBytes) + HandlerBytes));
        _bytes = guard + usable;
        _pages = SystemPages.TryMap(_bytes);
        if (_pages == null)
            throw new OutOfMemoryException($"the system gives no {_bytes} bytes for a signal stack");
        // An overflow then ends the process where it happens instead of writing over other memory.
        SystemPages.TryForbidAccess(_pages, guard);
        var wanted = new StackDescription { Pointer = _pages + guard, Bytes = usable };
        StackDescription old;
        if (SetSignalStack(&wanted, &old) != 0)
        {
            SystemPages.Unmap(_pages, _bytes);
            throw new InvalidOperationException($"the system refuses a signal stack: {Marshal.GetLastPInvokeErrorMessage()}");
        }
        _old = old;
    }

    /// <summary>Whether this thread has a larger signal stack.</summary>
    public static bool IsInstalled => _ofThisThread is not null;

    /// <summary>Bytes of this thread's signal stack as the kernel knows it; 0 where there is none.</summary>
    internal static nuint BytesInForce
    {
        get
        {
            StackDescription now;
            return SetSignalStack(null, &now) == 0 && (now.Flags & StackDescription.Disabled) == 0 ? now.Bytes : 0;
        }
    }

    /// <summary>Gives this thread a larger signal stack, unless it has one.</summary>
    /// <exception cref="OutOfMemoryException">There is no memory for it.</exception>
    public static SignalStack Install() => _ofThisThread ??= new SignalStack();

    /// <summary>Gives this thread its old signal stack back, if it has another.</summary>
    public static void Remove() => _ofThisThread?.Dispose();

    /// <summary>Gives the thread its old signal stack back.</summary>
    /// <exception cref="InvalidOperationException">Called on another thread than the one whose stack this is.</exception>
    public void Dispose()
    {
        if (_removed)
            return;
        if (_ofThisThread != this)
            throw new InvalidOperationException("a signal stack is taken away on the thread that has it");
        var old = _old;
        if (SetSignalStack(&old, null) != 0)
            throw new InvalidOperationException($"the system refuses the old signal stack: {Marshal.GetLastPInvokeErrorMessage()}");
        _ofThisThread = null;
        _removed = true;
        SystemPages.Unmap(_pages, _bytes);
    }

    [LibraryImport("libc", EntryPoint = "sigaltstack", SetLastError = true)]
    private static partial int SetSignalStack(StackDescription* wanted, StackDescription* old);

    [LibraryImport("libc", EntryPoint = "getauxval")]
    private static partial nuint GetAuxiliaryValue(nuint type);

    [StructLayout(LayoutKind.Sequential)]
    private struct StackDescription
    {
        public const int Disabled = 2;

        public byte* Pointer;
        public int Flags;
        public nuint Bytes;
    }
}
