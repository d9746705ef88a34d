using System.Numerics;
using Formation.Inference.Kernels.Formats;
using Formation.Inference.Kernels.Memory;

namespace Formation.Inference.Engine.Gguf;

/// <summary>Everything that one file says: its metadata and where its tensors lie.</summary>
internal sealed class GgufHeader
{
    internal const uint LittleEndianMagic = 0x46554747;
    private const uint BigEndianMagic = 0x47475546;
    internal const string AlignmentKey = "general.alignment";

    private readonly GgufCursor _cursor;
    private readonly MemoryRegion _file;
    private readonly string _fileName;
    private readonly int _part;

    private GgufHeader(MemoryRegion file, string fileName, int part)
    {
        _file = file;
        _part = part;
        _fileName = fileName;
        _cursor = new GgufCursor(file, fileName);
        Metadata = null!;
        Tensors = null!;
    }

    public uint Version { get; private set; }

    public int Alignment { get; private set; }

    public GgufMetadata Metadata { get; private set; }

    public GgufTensor[] Tensors { get; private set; }

    /// <summary>Reads and checks a whole header.</summary>
    /// <param name="file">The file's bytes; the tensors point into them.</param>
    /// <param name="fileName">Name for messages.</param>
    /// <param name="part">Which file of the model it is, from 0.</param>
    /// <exception cref="GgufException">Anything in it is not as the format and <see cref="GgufLimits"/> want it.</exception>
    public static GgufHeader Read(MemoryRegion file, string fileName, int part = 0)
    {
        var header = new GgufHeader(file, fileName, part);
        header.ReadAll();
        return header;
    }

    private void ReadAll()
    {
        ReadMagicAndVersion();
        var tensorCount = _cursor.ReadCount(GgufLimits.MinimumTensorBytes, GgufLimits.MaximumTensors, "tensors");
        var keyCount = _cursor.ReadCount(GgufLimits.MinimumKeyBytes, GgufLimits.MaximumKeys, "metadata keys");
        ReadMetadata(keyCount);
        Alignment = ReadAlignment();
        ReadTensors(tensorCount);
    }

    private void ReadMagicAndVersion()
    {
        if (_cursor.Remaining < 4)
            throw _cursor.Fail(GgufErrorKind.Truncated, 0, $"{_cursor.Remaining} bytes are too few for a GGUF file");
        var magic = _cursor.ReadUInt32();
        if (magic == BigEndianMagic)
            throw _cursor.Fail(GgufErrorKind.BigEndian, 0, "written for big-endian machines; convert the model for little-endian ones");
        if (magic != LittleEndianMagic)
            throw _cursor.Fail(GgufErrorKind.NotGguf, 0, $"not a GGUF file: it starts with 0x{magic:x8} and not with \"GGUF\"");
        Version = _cursor.ReadUInt32();
        if ((Version & 0xffff) == 0 && Version != 0)
            throw _cursor.Fail(GgufErrorKind.BigEndian, 4, "written for big-endian machines; convert the model for little-endian ones");
        if (Version is < GgufLimits.OldestVersion or > GgufLimits.NewestVersion)
            throw _cursor.Fail(GgufErrorKind.UnsupportedVersion, 4,
                $"GGUF version {Version}; this engine reads versions {GgufLimits.OldestVersion} and {GgufLimits.NewestVersion}");
    }

    private void ReadMetadata(int count)
    {
        Metadata = new GgufMetadata(_fileName, count);
        var values = new GgufValueReader(_cursor);
        for (var i = 0; i < count; i++)
        {
            _cursor.Enter("metadata key", i);
            var start = _cursor.Position;
            var key = _cursor.ReadString(GgufLimits.MaximumKeyLength, "a key");
            if (!IsName(key))
                throw _cursor.Fail(GgufErrorKind.InvalidKey, start, $"the key is {WhyNoName(key)}");
            _cursor.Enter("metadata key", i, key);
            if (!Metadata.TryAdd(key, values.Read(key)))
                throw _cursor.Fail(GgufErrorKind.DuplicateKey, start, "the key occurs twice");
        }
    }

    private int ReadAlignment()
    {
        if (!Metadata.Contains(AlignmentKey))
            return GgufLimits.DefaultAlignment;
        var value = Metadata[AlignmentKey];
        if (value.Type == GgufValueType.UInt32
            && value.Bits is >= GgufLimits.MinimumAlignment and <= GgufLimits.MaximumAlignment
            && BitOperations.IsPow2(value.Bits))
            return (int)value.Bits;
        _cursor.Enter("", 0);
        var stored = value.Type.IsInteger ? $"{value.Bits} as {value.Type}" : $"of type {value.Type}";
        throw _cursor.Fail(GgufErrorKind.InvalidAlignment, value.Offset,
            $"'{AlignmentKey}' is {stored} and must be a power of two as UInt32, " +
            $"from {GgufLimits.MinimumAlignment} to {GgufLimits.MaximumAlignment}");
    }

    private void ReadTensors(int count)
    {
        var descriptions = new TensorDescription[count];
        var names = new HashSet<string>(count, StringComparer.Ordinal);
        for (var i = 0; i < count; i++)
        {
            descriptions[i] = ReadTensor(i);
            if (!names.Add(descriptions[i].Name))
                throw _cursor.Fail(GgufErrorKind.DuplicateTensor, descriptions[i].Start, "the name occurs twice");
        }
        _cursor.Enter("", 0);
        Tensors = GgufTensorLayout.Place(_file, _part, _cursor, Alignment, descriptions);
    }

    private TensorDescription ReadTensor(int index)
    {
        _cursor.Enter("tensor", index);
        var start = _cursor.Position;
        var name = _cursor.ReadString(GgufLimits.MaximumTensorNameLength, "a tensor's name");
        if (!IsName(name))
            throw _cursor.Fail(GgufErrorKind.InvalidTensorName, start, $"the name is {WhyNoName(name)}");
        _cursor.Enter("tensor", index, name);

        var shapeStart = _cursor.Position;
        var dimensionCount = _cursor.ReadUInt32();
        if (dimensionCount is 0 or > GgufLimits.MaximumDimensions)
            throw _cursor.Fail(GgufErrorKind.InvalidShape, shapeStart,
                $"{dimensionCount} dimensions; from 1 to {GgufLimits.MaximumDimensions} are allowed");
        var dimensions = new long[dimensionCount];
        var elements = 1L;
        for (var i = 0; i < dimensions.Length; i++)
        {
            var at = _cursor.Position;
            var dimension = _cursor.ReadUInt64();
            if (dimension is 0 or > GgufLimits.MaximumDimension)
                throw _cursor.Fail(GgufErrorKind.InvalidShape, at,
                    $"dimension {i} is {dimension} and must be from 1 to {GgufLimits.MaximumDimension}");
            dimensions[i] = (long)dimension;
            if (elements > long.MaxValue / dimensions[i])
                throw _cursor.Fail(GgufErrorKind.InvalidShape, at,
                    $"the shape {string.Join(" x ", dimensions[..(i + 1)])} has more elements than 64 bits count");
            elements *= dimensions[i];
        }

        var typeStart = _cursor.Position;
        var type = (TensorType)_cursor.ReadUInt32();
        var info = TensorTypeInfo.Find(type)
            ?? throw _cursor.Fail(GgufErrorKind.UnknownTensorType, typeStart, $"{(uint)type} is not a tensor type of the format");
        if (dimensions[0] % info.BlockSize != 0)
            throw _cursor.Fail(GgufErrorKind.InvalidShape, shapeStart,
                $"rows of {dimensions[0]} values are no multiple of {type}'s block of {info.BlockSize}");
        var blocks = elements / info.BlockSize;
        if (blocks > long.MaxValue / info.BlockBytes)
            throw _cursor.Fail(GgufErrorKind.InvalidShape, shapeStart, $"{elements} values as {type} are more bytes than 64 bits count");

        var offsetStart = _cursor.Position;
        var offset = _cursor.ReadUInt64();
        return new TensorDescription(name, type, dimensions, elements, blocks * info.BlockBytes, offset, start, offsetStart);
    }

    private static string WhyNoName(string name) => name.Length == 0 ? "empty" : "not printable ASCII";

    private static bool IsName(string name) => name.Length > 0 && !name.AsSpan().ContainsAnyExceptInRange(' ', '~');
}

/// <summary>A tensor as the header describes it.</summary>
/// <param name="Bytes">Bytes that type and shape call for.</param>
/// <param name="Offset">Where its data lie, counted from the start of all data; unchecked.</param>
/// <param name="Start">Byte in the file at which the description lies.</param>
/// <param name="OffsetStart">Byte in the file at which <paramref name="Offset"/> is written.</param>
internal readonly record struct TensorDescription(
    string Name, TensorType Type, long[] Dimensions, long Elements, long Bytes, ulong Offset, long Start, long OffsetStart);
