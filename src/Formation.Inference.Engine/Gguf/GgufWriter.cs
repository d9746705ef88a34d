using System.Text;
using Formation.Inference.Kernels.Formats;

namespace Formation.Inference.Engine.Gguf;

/// <summary>
/// Writes GGUF version 3. What it accepts, <see cref="GgufFile"/> reads back; bytes depend on nothing but what was added, in order.
/// </summary>
/// <param name="alignment">A power of two, at least 8.</param>
public sealed class GgufWriter(int alignment = GgufLimits.DefaultAlignment)
{
    private readonly int _alignment = CheckAlignment(alignment);
    private readonly List<KeyValuePair<string, Action<BinaryWriter>>> _values = [];
    private readonly List<PendingTensor> _tensors = [];
    private readonly HashSet<string> _names = new(StringComparer.Ordinal);

    public void Add(string key, string value) => AddValue(key, GgufValueType.String, writer => WriteString(writer, value));

    public void Add(string key, bool value) => AddValue(key, GgufValueType.Boolean, writer => writer.Write(value));

    public void Add(string key, byte value) => AddValue(key, GgufValueType.UInt8, writer => writer.Write(value));

    public void Add(string key, sbyte value) => AddValue(key, GgufValueType.Int8, writer => writer.Write(value));

    public void Add(string key, ushort value) => AddValue(key, GgufValueType.UInt16, writer => writer.Write(value));

    public void Add(string key, short value) => AddValue(key, GgufValueType.Int16, writer => writer.Write(value));

    public void Add(string key, uint value) => AddValue(key, GgufValueType.UInt32, writer => writer.Write(value));

    public void Add(string key, int value) => AddValue(key, GgufValueType.Int32, writer => writer.Write(value));

    public void Add(string key, ulong value) => AddValue(key, GgufValueType.UInt64, writer => writer.Write(value));

    public void Add(string key, long value) => AddValue(key, GgufValueType.Int64, writer => writer.Write(value));

    public void Add(string key, float value) => AddValue(key, GgufValueType.Float32, writer => writer.Write(value));

    public void Add(string key, double value) => AddValue(key, GgufValueType.Float64, writer => writer.Write(value));

    /// <summary>Adds an array of one of the types that the other overloads take, or of such arrays.</summary>
    /// <exception cref="ArgumentException">The elements are of another type, or nested too deep.</exception>
    public void Add(string key, Array values)
    {
        GgufArrayEncoder.Check(values);
        AddValue(key, GgufValueType.Array, writer => GgufArrayEncoder.Write(writer, values));
    }

    /// <summary>Adds a tensor whose bytes are at hand.</summary>
    /// <param name="dimensions">One to four, the fastest-running first: (columns, rows) for a matrix.</param>
    /// <exception cref="ArgumentException">Name, shape or number of bytes are not valid.</exception>
    public void AddTensor(string name, TensorType type, ReadOnlySpan<long> dimensions, ReadOnlyMemory<byte> data)
    {
        var bytes = AddTensor(name, type, dimensions, stream => stream.Write(data.Span));
        if (bytes == data.Length)
            return;
        _tensors.RemoveAt(_tensors.Count - 1);
        throw new ArgumentException($"tensor '{name}' has {data.Length} bytes and its shape and type call for {bytes}", nameof(data));
    }

    /// <summary>Adds a tensor whose bytes are made when the file is written, so that they need never be in memory at once.</summary>
    /// <param name="write">Writes exactly the number of bytes that this method returns.</param>
    /// <returns>Bytes that type and shape call for.</returns>
    /// <exception cref="ArgumentException">Name or shape are not valid.</exception>
    public long AddTensor(string name, TensorType type, ReadOnlySpan<long> dimensions, Action<Stream> write)
    {
        CheckName(name, GgufLimits.MaximumTensorNameLength);
        if (_tensors.Exists(tensor => tensor.Name == name))
            throw new ArgumentException($"tensor '{name}' is already there", nameof(name));
        if (dimensions.Length is 0 or > GgufLimits.MaximumDimensions)
            throw new ArgumentException(
                $"tensor '{name}' has {dimensions.Length} dimensions; 1 to {GgufLimits.MaximumDimensions} are allowed", nameof(dimensions));
        var rows = 1L;
        for (var i = 0; i < dimensions.Length; i++)
        {
            if (dimensions[i] is <= 0 or > GgufLimits.MaximumDimension)
                throw new ArgumentException($"tensor '{name}': dimension {i} is {dimensions[i]}", nameof(dimensions));
            rows = i == 0 ? 1 : checked(rows * dimensions[i]);
        }
        var bytes = checked(rows * TensorTypeInfo.Of(type).RowBytes(dimensions[0]));
        _tensors.Add(new PendingTensor(name, type, dimensions.ToArray(), bytes, write));
        return bytes;
    }

    /// <summary>Writes one file; it appears under its name only when it is complete.</summary>
    public void Write(string path)
    {
        var partial = path + ".partial";
        try
        {
            using (var stream = new FileStream(partial, FileMode.Create, FileAccess.Write, FileShare.None, 1 << 16))
                Write(stream);
            File.Move(partial, path, overwrite: true);
        }
        finally
        {
            File.Delete(partial);
        }
    }

    /// <summary>Writes one file to a stream that need not be seekable.</summary>
    public void Write(Stream stream) => WritePart(stream, _values, _tensors);

    /// <summary>Writes a split model: prefix-00001-of-0000N.gguf and so on, the metadata in the first.</summary>
    /// <param name="prefix">Folder and name in front of the number.</param>
    /// <param name="tensorsPerPart">At least 1.</param>
    /// <returns>The paths, in order.</returns>
    public IReadOnlyList<string> WriteSplit(string prefix, int tensorsPerPart)
    {
        if (_tensors.Count == 0)
            throw new InvalidOperationException("a model without tensors can't be split");
        var parts = _tensors.Chunk(tensorsPerPart).ToArray();
        ArgumentOutOfRangeException.ThrowIfGreaterThan(parts.Length, GgufLimits.MaximumParts);
        var name = new GgufSplitName(prefix, 1, parts.Length);
        for (var i = 0; i < parts.Length; i++)
        {
            var part = new GgufWriter(_alignment);
            if (i == 0)
                part._values.AddRange(_values);
            part.Add(GgufSplit.IndexKey, (ushort)i);
            part.Add(GgufSplit.CountKey, (ushort)parts.Length);
            part.Add(GgufSplit.TensorCountKey, _tensors.Count);
            part._tensors.AddRange(parts[i]);
            part.Write(name.PathOf(i + 1));
        }
        return [.. parts.Select((_, i) => name.PathOf(i + 1))];
    }

    internal static void WriteString(BinaryWriter writer, string value)
    {
        var bytes = Encoding.UTF8.GetBytes(value);
        writer.Write((ulong)bytes.Length);
        writer.Write(bytes);
    }

    private static int CheckAlignment(int alignment) =>
        alignment is >= GgufLimits.MinimumAlignment and <= GgufLimits.MaximumAlignment && int.IsPow2(alignment)
            ? alignment
            : throw new ArgumentOutOfRangeException(nameof(alignment), alignment, "must be a power of two, at least 8");

    private static void CheckName(string name, int limit)
    {
        if (name.Length == 0 || name.Length > limit || name.AsSpan().ContainsAnyExceptInRange(' ', '~'))
            throw new ArgumentException($"{GgufLimits.Quote(name)} must be 1 to {limit} printable ASCII characters", nameof(name));
    }

    private void AddValue(string key, GgufValueType type, Action<BinaryWriter> write)
    {
        CheckName(key, GgufLimits.MaximumKeyLength);
        if (key == GgufHeader.AlignmentKey)
            throw new ArgumentException($"'{key}' is written for the alignment given to the constructor", nameof(key));
        if (!_names.Add(key))
            throw new ArgumentException($"the key {GgufLimits.Quote(key)} is already there", nameof(key));
        _values.Add(new(key, writer =>
        {
            writer.Write((uint)type);
            write(writer);
        }));
    }

    private void WritePart(Stream stream, List<KeyValuePair<string, Action<BinaryWriter>>> values, List<PendingTensor> tensors)
    {
        var header = new MemoryStream();
        using var writer = new BinaryWriter(header, Encoding.UTF8);
        var writesAlignment = _alignment != GgufLimits.DefaultAlignment;
        writer.Write(GgufHeader.LittleEndianMagic);
        writer.Write(GgufLimits.NewestVersion);
        writer.Write((ulong)tensors.Count);
        writer.Write((ulong)values.Count + (writesAlignment ? 1UL : 0));
        if (writesAlignment)
        {
            WriteString(writer, GgufHeader.AlignmentKey);
            writer.Write((uint)GgufValueType.UInt32);
            writer.Write((uint)_alignment);
        }
        foreach (var (key, write) in values)
        {
            WriteString(writer, key);
            write(writer);
        }
        var offset = 0L;
        foreach (var tensor in tensors)
        {
            WriteString(writer, tensor.Name);
            writer.Write((uint)tensor.Dimensions.Length);
            foreach (var dimension in tensor.Dimensions)
                writer.Write((ulong)dimension);
            writer.Write((uint)tensor.Type);
            writer.Write((ulong)offset);
            offset = GgufTensorLayout.Align(offset + tensor.Bytes, _alignment);
        }
        writer.Flush();
        Pad(header, header.Length);
        header.Position = 0;
        header.CopyTo(stream);
        foreach (var tensor in tensors)
        {
            var counted = new CountingStream(stream);
            tensor.Write(counted);
            if (counted.Position != tensor.Bytes)
                throw new InvalidOperationException(
                    $"tensor '{tensor.Name}' wrote {counted.Position} bytes and its shape and type call for {tensor.Bytes}");
            Pad(stream, tensor.Bytes);
        }
    }

    private void Pad(Stream stream, long length) =>
        stream.Write(new byte[GgufTensorLayout.Align(length, _alignment) - length]);

    private sealed record PendingTensor(string Name, TensorType Type, long[] Dimensions, long Bytes, Action<Stream> Write);
}
