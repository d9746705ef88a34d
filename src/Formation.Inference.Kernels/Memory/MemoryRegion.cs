namespace Formation.Inference.Kernels.Memory;

/// <summary>
/// Bytes at a fixed address that somebody else owns (a <see cref="MappedFile"/> or a <see cref="NativeBuffer"/>); valid as long as the owner
/// is not disposed. Larger than a span can be.
/// </summary>
public readonly unsafe struct MemoryRegion
{
    internal MemoryRegion(byte* pointer, long length, bool isFile = false)
    {
        Pointer = pointer;
        Length = length;
        IsFile = isFile;
    }

    internal byte* Pointer { get; }

    /// <summary>Whether the bytes are those of a mapped file.</summary>
    internal bool IsFile { get; }

    /// <summary>Bytes in the region.</summary>
    public long Length { get; }

    /// <summary>A part of the region.</summary>
    /// <exception cref="ArgumentOutOfRangeException">The part does not lie in the region.</exception>
    public MemoryRegion Slice(long offset, long length)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(offset);
        ArgumentOutOfRangeException.ThrowIfNegative(length);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(offset, Length);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(length, Length - offset);
        return new MemoryRegion(Pointer + offset, length, IsFile);
    }

    /// <summary>
    /// Gives a mapped file's memory back to the system, which keeps it as cache as long as there is room; the bytes stay readable. Changes
    /// nothing for other memory.
    /// </summary>
    public void Release()
    {
        if (IsFile)
            MemoryAdvice.ReleaseFilePages(Pointer, Length);
    }

    /// <summary>A part of the region as a span.</summary>
    /// <exception cref="ArgumentOutOfRangeException">The part does not lie in the region.</exception>
    public ReadOnlySpan<byte> Span(long offset, int length)
    {
        var part = Slice(offset, length);
        return new ReadOnlySpan<byte>(part.Pointer, length);
    }
}
