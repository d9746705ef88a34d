using Formation.Inference.Kernels.Memory;

namespace Formation.Inference.Engine.Gguf;

/// <summary>A GGUF model in memory, mapped from one file or from the parts of a split one. Opening reads the header only.</summary>
/// <remarks>The format as read here, its limits and errors: docs/formats/gguf.md.</remarks>
public sealed class GgufFile : IDisposable
{
    private readonly List<MappedFile> _parts;
    private readonly Dictionary<string, GgufTensor> _tensors;

    private GgufFile(List<MappedFile> parts, GgufHeader first, List<GgufTensor> tensors)
    {
        _parts = parts;
        Version = first.Version;
        Alignment = first.Alignment;
        Metadata = first.Metadata;
        Tensors = tensors;
        _tensors = tensors.ToDictionary(tensor => tensor.Name, StringComparer.Ordinal);
    }

    /// <summary>Full paths of the files, in order.</summary>
    public IReadOnlyList<string> Paths => [.. _parts.Select(part => part.Path)];

    /// <summary>Bytes of all files.</summary>
    public long Length => _parts.Sum(part => part.Length);

    /// <summary>Version of the format.</summary>
    public uint Version { get; }

    /// <summary>Every tensor starts at a multiple of this many bytes.</summary>
    public int Alignment { get; }

    /// <summary>Keys and values; valid after the file is disposed, too.</summary>
    public GgufMetadata Metadata { get; }

    /// <summary>All tensors, in the files' order.</summary>
    public IReadOnlyList<GgufTensor> Tensors { get; }

    /// <summary>Opens a model. For a split one <paramref name="path"/> may name any part; the others lie beside it.</summary>
    /// <exception cref="GgufException">The file or a part of it is missing, can't be read, or is not a valid GGUF file.</exception>
    public static GgufFile Open(string path)
    {
        var parts = new List<MappedFile>();
        try
        {
            return Open(path, parts);
        }
        catch
        {
            parts.ForEach(part => part.Dispose());
            throw;
        }
    }

    /// <summary>A tensor, or null where there is none of this name.</summary>
    public GgufTensor? FindTensor(string name) => _tensors.GetValueOrDefault(name);

    /// <exception cref="GgufException">There is none of this name.</exception>
    public GgufTensor RequireTensor(string name) => FindTensor(name)
        ?? throw new GgufException(GgufErrorKind.MissingTensor, -1,
            $"{Path.GetFileName(_parts[0].Path)}: the tensor {GgufLimits.Quote(name)} is missing, which this model needs");

    public void Dispose() => _parts.ForEach(part => part.Dispose());

    private static GgufFile Open(string path, List<MappedFile> parts)
    {
        var header = ReadPart(path, parts);
        var split = GgufSplit.Of(header.Metadata, path);
        if (split is null)
            return new GgufFile(parts, header, [.. header.Tensors]);

        if (split.Index != 0)
        {
            parts[0].Dispose();
            parts.Clear();
            header = ReadPart(split, 0, parts);
            split = split.RequireSame(header.Metadata, 0);
        }
        var tensors = new List<GgufTensor>(header.Tensors);
        for (var i = 1; i < split.Count; i++)
        {
            var part = ReadPart(split, i, parts);
            split.RequireSame(part.Metadata, i);
            GgufSplit.RequireSameModel(header.Metadata, part.Metadata, split.PathOf(i));
            tensors.AddRange(part.Tensors);
        }
        split.RequireAllTensors(tensors);
        return new GgufFile(parts, header, tensors);
    }

    private static GgufHeader ReadPart(string path, List<MappedFile> parts)
    {
        var file = Map(path);
        parts.Add(file);
        return GgufHeader.Read(file.Region, Path.GetFileName(path), parts.Count - 1);
    }

    private static GgufHeader ReadPart(GgufSplit split, int index, List<MappedFile> parts)
    {
        try
        {
            return ReadPart(split.PathOf(index), parts);
        }
        catch (GgufException e) when (e.Kind == GgufErrorKind.FileNotFound)
        {
            var name = Path.GetFileName(split.PathOf(index));
            throw new GgufException(GgufErrorKind.MissingPart, -1,
                $"{name}: part {index + 1} of {split.Count} of this model is missing; put it beside the others", e);
        }
    }

    private static MappedFile Map(string path)
    {
        var fileName = Path.GetFileName(path);
        if (Directory.Exists(path))
            throw new GgufException(GgufErrorKind.NotAFile, -1, $"{fileName}: this is a directory; name the .gguf file in it");
        try
        {
            var entry = new FileInfo(path);
            entry = entry.ResolveLinkTarget(returnFinalTarget: true) as FileInfo ?? entry;
            // Pipes and devices show as empty; opening a pipe would wait for a writer for ever.
            if (entry is { Exists: true, Length: 0 })
                throw new GgufException(GgufErrorKind.Truncated, 0, $"{fileName}: 0 bytes; this file is empty, or no regular file");
            return MappedFile.Open(path);
        }
        catch (Exception e) when (e is FileNotFoundException or DirectoryNotFoundException)
        {
            throw new GgufException(GgufErrorKind.FileNotFound, -1, $"{path}: there is no such file", e);
        }
        catch (Exception e) when (e is NotSupportedException or ArgumentException)
        {
            throw new GgufException(GgufErrorKind.NotAFile, -1, $"{fileName}: this is not a file that can be mapped into memory", e);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new GgufException(GgufErrorKind.Unreadable, -1, $"{path}: the file can't be read: {e.Message}", e);
        }
    }
}
