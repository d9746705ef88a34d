using System.Runtime.InteropServices;

namespace Formation.Inference.Kernels.Memory;

/// <summary>Zeroed native memory aligned to 64 bytes (a cache line, and the widest vector).</summary>
public sealed unsafe class NativeBuffer : IDisposable
{
    private byte* _pointer;

    /// <param name="length">Bytes; at least 0.</param>
    /// <exception cref="OutOfMemoryException">The system does not give that much.</exception>
    public NativeBuffer(long length)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(length);
        Length = length;
        _pointer = (byte*)NativeMemory.AlignedAlloc((nuint)Math.Max(length, 64), 64);
        NativeMemory.Clear(_pointer, (nuint)length);
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
        NativeMemory.AlignedFree(_pointer);
        _pointer = null;
    }
}
