using System.Buffers.Binary;
using System.Text;

namespace Formation.Inference.Node.Stages.Wire;

/// <summary>Takes values from the front of a payload that lies in memory; each is checked against what is left.</summary>
internal ref struct PayloadReader(ReadOnlySpan<byte> payload)
{
    static readonly UTF8Encoding StrictUtf8 = new(encoderShouldEmitUTF8Identifier: false, throwOnInvalidBytes: true);

    ReadOnlySpan<byte> _rest = payload;

    /// <summary>Reads the whole payload of a frame that can only be small.</summary>
    /// <param name="limit">Bytes of the largest payload of its type.</param>
    public static byte[] ReadAll(FrameReader reader, int limit = StageProtocol.MaxHandshakeBytes)
    {
        if (reader.Remaining > limit)
        {
            throw new StageProtocolException(
                StageErrorCode.LimitExceeded, $"a payload of {reader.Remaining} bytes; frames of this type have {limit} at most");
        }
        var payload = new byte[reader.Remaining];
        reader.Read(payload);
        reader.EndFrame();
        return payload;
    }

    public ReadOnlySpan<byte> Take(int count)
    {
        if (count > _rest.Length)
        {
            throw new StageProtocolException(
                StageErrorCode.Malformed, $"{count} bytes are needed and {_rest.Length} are left in the frame");
        }
        var taken = _rest[..count];
        _rest = _rest[count..];
        return taken;
    }

    public byte Byte() => Take(1)[0];

    public ushort UInt16() => BinaryPrimitives.ReadUInt16LittleEndian(Take(sizeof(ushort)));

    public int Int32() => BinaryPrimitives.ReadInt32LittleEndian(Take(sizeof(int)));

    public uint UInt32() => BinaryPrimitives.ReadUInt32LittleEndian(Take(sizeof(uint)));

    public long Int64() => BinaryPrimitives.ReadInt64LittleEndian(Take(sizeof(long)));

    public Guid Guid() => new(Take(16), bigEndian: true);

    /// <summary>A number with both its limits.</summary>
    public int Int32(string name, int least, int most)
    {
        var value = Int32();
        return value >= least && value <= most
            ? value
            : throw new StageProtocolException(StageErrorCode.WrongShape, $"{name} is {value} and must be from {least} to {most}");
    }

    public string Text()
    {
        var length = UInt16();
        if (length > StageProtocol.MaxTextBytes)
        {
            throw new StageProtocolException(
                StageErrorCode.LimitExceeded, $"a text of {length} bytes; the limit is {StageProtocol.MaxTextBytes}");
        }
        try
        {
            return StrictUtf8.GetString(Take(length));
        }
        catch (DecoderFallbackException)
        {
            throw new StageProtocolException(StageErrorCode.Malformed, "a text is not UTF-8");
        }
    }

    /// <exception cref="StageProtocolException">Bytes are left over.</exception>
    public readonly void End()
    {
        if (_rest.Length != 0)
            throw new StageProtocolException(StageErrorCode.Malformed, $"the frame is {_rest.Length} bytes longer than its content");
    }
}
