using System.Buffers.Binary;
using System.Text;

namespace Formation.Inference.Node.Heads.Wire;

/// <summary>
/// Writes frames whose payloads are messages in the wire format of Protocol Buffers, one behind the other, so that several leave in one
/// write. Values that are the field's default are left out. Used again and again.
/// </summary>
sealed class MessageWriter
{
    const int SmallestBuffer = 1024;

    /// <summary>What a connection keeps between two writes; a larger buffer goes back to the collector.</summary>
    const int LargestKept = 64 * 1024;

    byte[] _bytes = new byte[SmallestBuffer];
    int _length;
    int _frame;

    /// <summary>All frames since the last <see cref="Clear"/>.</summary>
    public ReadOnlyMemory<byte> Written => _bytes.AsMemory(0, _length);

    public int Length => _length;

    public void Clear()
    {
        _length = 0;
        if (_bytes.Length > LargestKept)
            _bytes = new byte[SmallestBuffer];
    }

    /// <summary>Begins a frame.</summary>
    public void BeginFrame(FrameType type)
    {
        _frame = _length;
        var header = Append(GenerationProtocol.HeaderBytes);
        header[4] = (byte)type;
    }

    /// <summary>Ends the frame.</summary>
    /// <returns>Bytes of its payload.</returns>
    public int EndFrame()
    {
        var payload = _length - _frame - GenerationProtocol.HeaderBytes;
        BinaryPrimitives.WriteInt32LittleEndian(_bytes.AsSpan(_frame), payload);
        return payload;
    }

    /// <summary>Takes the frame back that was begun last.</summary>
    public void DropFrame() => _length = _frame;

    public void Number(int field, long value)
    {
        if (value == 0)
            return;
        Tag(field, WireType.Varint);
        Varint((ulong)value);
    }

    /// <summary>A number whose absence means something else than 0.</summary>
    public void Optional(int field, long? value)
    {
        if (value is not { } number)
            return;
        Tag(field, WireType.Varint);
        Varint((ulong)number);
    }

    public void Flag(int field, bool value) => Number(field, value ? 1 : 0);

    /// <summary>A value that is always written, so that no default has to be agreed on.</summary>
    public void Float(int field, float value)
    {
        Tag(field, WireType.Fixed32);
        BinaryPrimitives.WriteSingleLittleEndian(Append(sizeof(float)), value);
    }

    /// <summary>A text; null is left out and an empty one is not.</summary>
    public void Text(int field, string? value)
    {
        if (value is null)
            return;
        var length = Encoding.UTF8.GetByteCount(value);
        Tag(field, WireType.Bytes);
        Varint((ulong)length);
        Encoding.UTF8.GetBytes(value, Append(length));
    }

    public void Bytes(int field, ReadOnlySpan<byte> value)
    {
        Tag(field, WireType.Bytes);
        Varint((ulong)value.Length);
        value.CopyTo(Append(value.Length));
    }

    /// <summary>Numbers one behind the other (packed), each of four bytes.</summary>
    public void Floats(int field, ReadOnlySpan<float> values)
    {
        var length = checked(values.Length * sizeof(float));
        Tag(field, WireType.Bytes);
        Varint((ulong)length);
        var bytes = Append(length);
        for (var i = 0; i < values.Length; i++)
            BinaryPrimitives.WriteSingleLittleEndian(bytes[(i * sizeof(float))..], values[i]);
    }

    /// <summary>Numbers one behind the other (packed); none are left out.</summary>
    public void Numbers(int field, IReadOnlyList<int> values)
    {
        if (values.Count == 0)
            return;
        var start = Begin(field);
        for (var i = 0; i < values.Count; i++)
            Varint((ulong)(long)values[i]);
        End(start);
    }

    /// <summary>Begins a message inside this one.</summary>
    /// <returns>For <see cref="End"/>.</returns>
    public int Begin(int field)
    {
        Tag(field, WireType.Bytes);
        Append(1);
        return _length;
    }

    public void End(int start)
    {
        var length = _length - start;

        // One byte was left for the length, which is enough for nearly all messages.
        var more = VarintLength((ulong)length) - 1;
        if (more > 0)
        {
            Append(more);
            _bytes.AsSpan(start, length).CopyTo(_bytes.AsSpan(start + more));
        }

        WriteVarint(_bytes.AsSpan(start - 1), (ulong)length);
    }

    void Tag(int field, WireType type) => Varint((ulong)field << 3 | (uint)type);

    void Varint(ulong value) => WriteVarint(Append(VarintLength(value)), value);

    static int VarintLength(ulong value) => (70 - System.Numerics.BitOperations.LeadingZeroCount(value | 1)) / 7;

    static void WriteVarint(Span<byte> destination, ulong value)
    {
        var i = 0;
        for (; value > 0x7F; value >>= 7)
            destination[i++] = (byte)(value | 0x80);
        destination[i] = (byte)value;
    }

    Span<byte> Append(int count)
    {
        var needed = checked(_length + count);
        if (needed > _bytes.Length)
            Array.Resize(ref _bytes, (int)Math.Min(Math.Max((long)needed, 2L * _bytes.Length), Array.MaxLength));
        var span = _bytes.AsSpan(_length, count);
        _length = needed;
        return span;
    }
}

/// <summary>How the value behind a tag is written.</summary>
enum WireType
{
    Varint = 0,
    Fixed64 = 1,
    Bytes = 2,
    Fixed32 = 5,
}
