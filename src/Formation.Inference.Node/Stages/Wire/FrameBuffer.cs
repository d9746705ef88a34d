using System.Buffers.Binary;
using System.Text;

namespace Formation.Inference.Node.Stages.Wire;

/// <summary>
/// A frame in the making: room for the header, and the payload behind it, so that both leave in one write. Used again and again.
/// </summary>
internal sealed class FrameBuffer
{
    byte[] _bytes = new byte[256];
    int _length = FrameHeader.Size;
    FrameType _type;
    uint _epoch;

    /// <summary>Bytes of the payload so far.</summary>
    public int PayloadLength => _length - FrameHeader.Size;

    public FrameBuffer Begin(FrameType type, uint epoch = 0)
    {
        (_type, _epoch, _length) = (type, epoch, FrameHeader.Size);
        return this;
    }

    /// <summary>The next bytes of the payload, for the caller to write; valid until the next call.</summary>
    public Span<byte> Append(int count)
    {
        var needed = checked(_length + count);
        if (needed > _bytes.Length)
            Array.Resize(ref _bytes, (int)Math.Min(Math.Max((long)needed, 2L * _bytes.Length), Array.MaxLength));
        var span = _bytes.AsSpan(_length, count);
        _length = needed;
        return span;
    }

    public void Byte(byte value) => Append(1)[0] = value;

    public void UInt16(ushort value) => BinaryPrimitives.WriteUInt16LittleEndian(Append(sizeof(ushort)), value);

    public void Int32(int value) => BinaryPrimitives.WriteInt32LittleEndian(Append(sizeof(int)), value);

    public void UInt32(uint value) => BinaryPrimitives.WriteUInt32LittleEndian(Append(sizeof(uint)), value);

    public void Int64(long value) => BinaryPrimitives.WriteInt64LittleEndian(Append(sizeof(long)), value);

    public void Guid(Guid value) => value.TryWriteBytes(Append(16), bigEndian: true, out _);

    public void Bytes(ReadOnlySpan<byte> value) => value.CopyTo(Append(value.Length));

    /// <summary>A text as its length in two bytes and its UTF-8 bytes, cut where it is longer than the protocol allows.</summary>
    public void Text(string value)
    {
        var bytes = Encoding.UTF8.GetBytes(value);
        var length = Math.Min(bytes.Length, StageProtocol.MaxTextBytes);
        while (length < bytes.Length && length > 0 && (bytes[length] & 0xC0) == 0x80)
            length--;
        UInt16((ushort)length);
        Bytes(bytes.AsSpan(0, length));
    }

    /// <summary>Writes the header; the result is the whole frame.</summary>
    public ReadOnlySpan<byte> Seal(ulong sequence)
    {
        var header = new FrameHeader((uint)PayloadLength, _type, _epoch, sequence, 0);
        header.Write(_bytes);
        var checksum = FrameHeader.BeginChecksum(_bytes);
        checksum.Append(_bytes.AsSpan(FrameHeader.Size, PayloadLength));
        (header with { Checksum = checksum.Value }).Write(_bytes);
        return _bytes.AsSpan(0, _length);
    }
}
