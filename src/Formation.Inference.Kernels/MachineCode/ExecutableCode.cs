using System.Runtime.InteropServices;
using Formation.Inference.Kernels.Memory;

namespace Formation.Inference.Kernels.MachineCode;

/// <summary>Machine code in memory of its own, which is never writable and executable at a time.</summary>
/// <remarks>
/// There is no finaliser: a function pointer does not keep this object alive, so only its owner knows when nothing calls the code any more.
/// </remarks>
internal sealed unsafe class ExecutableCode : IDisposable
{
    private readonly ICodePages _pages;
    private readonly nuint _bytes;
    private byte* _address;

    private ExecutableCode(ICodePages pages, byte* address, nuint bytes)
    {
        _pages = pages;
        _address = address;
        _bytes = bytes;
    }

    /// <summary>Where the code begins. To be called by the System V convention, through a <c>delegate* unmanaged</c>.</summary>
    public byte* EntryPoint
    {
        get
        {
            ObjectDisposedException.ThrowIf(_address == null, this);
            return _address;
        }
    }

    /// <summary>Loads code for this process, or returns null where that can't be: hardened systems let no process make code.</summary>
    /// <param name="code">What <see cref="Assembler.Assemble"/> gave; it may not depend on where it lies.</param>
    /// <exception cref="ArgumentException">There is no code.</exception>
    public static ExecutableCode? TryLoad(ReadOnlySpan<byte> code) => TryLoad(code, SystemCodePages.Instance);

    internal static ExecutableCode? TryLoad(ReadOnlySpan<byte> code, ICodePages pages)
    {
        if (code.IsEmpty)
            throw new ArgumentException("there is no code to load", nameof(code));
        if (RuntimeInformation.ProcessArchitecture != Architecture.X64)
            return null;
        var bytes = SystemPages.Rounded((nuint)code.Length);
        var address = pages.TryMap(bytes);
        if (address == null)
            return null;
        code.CopyTo(new Span<byte>(address, code.Length));
        if (pages.TryMakeExecutable(address, bytes))
            return new ExecutableCode(pages, address, bytes);
        pages.Unmap(address, bytes);
        return null;
    }

    /// <summary>Frees the memory; nothing may run in it or call it any more.</summary>
    public void Dispose()
    {
        if (_address == null)
            return;
        _pages.Unmap(_address, _bytes);
        _address = null;
    }
}
