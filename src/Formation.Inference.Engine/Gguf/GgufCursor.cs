using System.Buffers.Binary;
using System.Text;
using System.Text.Unicode;
using Formation.Inference.Kernels.Memory;

namespace Formation.Inference.Engine.Gguf;

/// <summary>Reads a file's header from its start; checks every step against the end before it is taken.</summary>
internal sealed class GgufCursor(MemoryRegion file, string fileName)
{
    private readonly long _end = Math.Min(file.Length, GgufLimits.MaximumHeaderLength);
    private string _section = "";
    private int _index;
    private string? _name;

    public long Position { get; private set; }

    /// <summary>Bytes from here to the end of the file.</summary>
    public long Remaining => file.Length - Position;

    /// <summary>Says what is being read, for messages; costs nothing until one is made.</summary>
    public void Enter(string section, int index, string? name = null) => (_section, _index, _name) = (section, index, name);

    public byte ReadByte() => Take(1)[0];

    public uint ReadUInt32() => BinaryPrimitives.ReadUInt32LittleEndian(Take(4));

    public ulong ReadUInt64() => BinaryPrimitives.ReadUInt64LittleEndian(Take(8));

    public ReadOnlySpan<byte> Take(int count)
    {
        Require(count, "a value");
        var bytes = file.Span(Position, count);
        Position += count;
        return bytes;
    }

    /// <summary>Bytes already passed.</summary>
    public ReadOnlySpan<byte> Passed(long start) => file.Span(start, (int)(Position - start));

    public void Skip(long count, string what)
    {
        Require(count, what);
        Position += count;
    }

    /// <summary>Reads a count of things that take at least <paramref name="minimumSize"/> bytes each.</summary>
    public int ReadCount(int minimumSize, long limit, string what)
    {
        var start = Position;
        var count = ReadUInt64();
        if (count > (ulong)(Remaining / minimumSize))
            throw Fail(GgufErrorKind.Truncated, start,
                $"{count} {what} need at least {minimumSize} bytes each and {Remaining} bytes are left");
        if (count > (ulong)limit)
            throw Fail(GgufErrorKind.LimitExceeded, start, $"{count} {what} are more than {limit}");
        return (int)count;
    }

    /// <summary>Reads a string's bytes: valid UTF-8, not longer than <paramref name="limit"/>.</summary>
    public ReadOnlySpan<byte> ReadUtf8(int limit, string what)
    {
        var start = Position;
        var length = ReadUInt64();
        if (length > (ulong)Remaining)
            throw Fail(GgufErrorKind.Truncated, start, $"{what} of {length} bytes, and {Remaining} bytes are left");
        if (length > (ulong)limit)
            throw Fail(GgufErrorKind.LimitExceeded, start, $"{what} of {length} bytes is longer than {limit}");
        Require((long)length, what);
        var bytes = Take((int)length);
        return Utf8.IsValid(bytes) ? bytes : throw Fail(GgufErrorKind.InvalidString, start, $"{what} is not valid UTF-8");
    }

    public string ReadString(int limit, string what) => Encoding.UTF8.GetString(ReadUtf8(limit, what));

    public GgufException Fail(GgufErrorKind kind, long offset, string message)
    {
        var place = _section.Length == 0 ? "" : _name is null ? $"{_section} {_index}: " : $"{_section} {GgufLimits.Quote(_name)}: ";
        return new GgufException(kind, offset, $"{fileName}: {place}{message} (at byte {offset})");
    }

    private void Require(long count, string what)
    {
        if (count <= _end - Position)
            return;
        throw count > Remaining
            ? Fail(GgufErrorKind.Truncated, Position, $"the file ends inside {what}: {count} bytes needed, {Remaining} left")
            : Fail(GgufErrorKind.LimitExceeded, Position, $"the header is longer than {GgufLimits.MaximumHeaderLength} bytes");
    }
}
