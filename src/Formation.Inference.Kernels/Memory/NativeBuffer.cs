using System.Runtime.InteropServices;

namespace Formation.Inference.Kernels.Memory;

/// <summary>Zeroed native memory aligned to 64 bytes (a cache line, and the widest vector), or to a huge page.</summary>
public sealed unsafe class NativeBuffer : IDisposable
{
    private const int CacheLine = 64;
    private const int HugePage = 2 << 20;

    private void* _allocation;
    private byte* _pointer;

    /// <param name="length">Bytes; at least 0. The system gives large ones page by page, as they are first written.</param>
    /// <param name="hugePages">Whether to ask for huge pages: for what is large, filled at once and read over and over.</param>
    /// <exception cref="OutOfMemoryException">The system does not give that much.</exception>
    public NativeBuffer(long length, bool hugePages = false)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(length);
        Length = length;
        var alignment = (nuint)(hugePages && length >= HugePage ? HugePage : CacheLine);
        _allocation = NativeMemory.AllocZeroed(checked((nuint)length + alignment));
        _pointer = (byte*)(((nuint)_allocation + alignment - 1) & ~(alignment - 1));
        if (hugePages)
            MemoryAdvice.UseHugePages(_pointer, length);
    }

    ~NativeBuffer() => Free();

    /// <summary>Bytes in the buffer.</summary>
    public long Length { get; }

    /// <summary>The whole buffer.</summary>
    public MemoryRegion Region
    {
        get
        {
            ObjectDisposedException.ThrowIf(_pointer == null, this);
            return new MemoryRegion(_pointer, Length);
        }
    }

    /// <summary>A part of the buffer for writing.</summary>
    public Span<byte> Span(long offset, int length) => new(Region.Slice(offset, length).Pointer, length);

    public void Dispose()
    {
        Free();
        GC.SuppressFinalize(this);
    }

    private void Free()
    {
        NativeMemory.Free(_allocation);
        _allocation = null;
        _pointer = null;
    }
}
