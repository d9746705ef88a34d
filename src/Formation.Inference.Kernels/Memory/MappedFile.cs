using System.IO.MemoryMappedFiles;

namespace Formation.Inference.Kernels.Memory;

/// <summary>A file mapped read-only into memory: opening costs nothing for each byte, and the pages are shared with other processes.</summary>
/// <remarks>A file that shrinks while it is mapped makes a later read of the lost pages fault; weights are not edited in place.</remarks>
public sealed unsafe class MappedFile : IDisposable
{
    private readonly MemoryMappedFile? _file;
    private readonly MemoryMappedViewAccessor? _view;
    private byte* _pointer;

    private MappedFile(FileStream stream)
    {
        Length = stream.Length;
        Path = stream.Name;
        if (Length == 0)
            return;
        _file = MemoryMappedFile.CreateFromFile(stream, null, 0, MemoryMappedFileAccess.Read, HandleInheritability.None, leaveOpen: true);
        try
        {
            _view = _file.CreateViewAccessor(0, 0, MemoryMappedFileAccess.Read);
        }
        catch
        {
            _file.Dispose();
            throw;
        }
        _view.SafeMemoryMappedViewHandle.AcquirePointer(ref _pointer);
        _pointer += _view.PointerOffset;
    }

    /// <summary>Maps the file at <paramref name="path"/>.</summary>
    /// <exception cref="IOException">It does not exist or can't be read.</exception>
    /// <exception cref="UnauthorizedAccessException">It is a folder, or this process may not read it.</exception>
    public static MappedFile Open(string path)
    {
        // The mapping outlives the stream.
        using var stream = new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.Read);
        return new MappedFile(stream);
    }

    /// <summary>Bytes in the file.</summary>
    public long Length { get; }

    /// <summary>The file's full path.</summary>
    public string Path { get; }

    /// <summary>The whole file.</summary>
    public MemoryRegion Region
    {
        get
        {
            ObjectDisposedException.ThrowIf(_pointer == null && Length > 0, this);
            return new MemoryRegion(_pointer, Length, isFile: true);
        }
    }

    public void Dispose()
    {
        if (_pointer == null)
            return;
        _pointer = null;
        _view!.SafeMemoryMappedViewHandle.ReleasePointer();
        _view.Dispose();
        _file!.Dispose();
    }
}
