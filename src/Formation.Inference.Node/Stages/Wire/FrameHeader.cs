using System.Buffers.Binary;

namespace Formation.Inference.Node.Stages.Wire;

/// <summary>The 24 bytes in front of every payload.</summary>
/// <param name="Length">Bytes of the payload.</param>
/// <param name="Type">What the payload is.</param>
/// <param name="Epoch">The arrangement of stages that the frame belongs to; 0 before the first route.</param>
/// <param name="Sequence">Number of the frame on this connection in this direction, from 0.</param>
/// <param name="Checksum">Of the header with this field as 0, and the payload.</param>
internal readonly record struct FrameHeader(uint Length, FrameType Type, uint Epoch, ulong Sequence, uint Checksum)
{
    public const int Size = 24;

    const int ChecksumOffset = 20;

    public void Write(Span<byte> destination)
    {
        BinaryPrimitives.WriteUInt32LittleEndian(destination, Length);
        destination[4] = (byte)Type;
        destination[5] = destination[6] = destination[7] = 0;
        BinaryPrimitives.WriteUInt32LittleEndian(destination[8..], Epoch);
        BinaryPrimitives.WriteUInt64LittleEndian(destination[12..], Sequence);
        BinaryPrimitives.WriteUInt32LittleEndian(destination[ChecksumOffset..], Checksum);
    }

    /// <exception cref="StageProtocolException">The type is unknown, or a byte that must be 0 is not.</exception>
    public static FrameHeader Read(ReadOnlySpan<byte> source)
    {
        if (source[4] is < (byte)FrameType.Hello or > (byte)FrameType.TraceEnd)
            throw new StageProtocolException(StageErrorCode.Malformed, $"there is no frame of type {source[4]}");
        if ((source[5] | source[6] | source[7]) != 0)
            throw new StageProtocolException(StageErrorCode.Malformed, "the flags of a frame are 0 in this version");
        return new FrameHeader(
            BinaryPrimitives.ReadUInt32LittleEndian(source),
            (FrameType)source[4],
            BinaryPrimitives.ReadUInt32LittleEndian(source[8..]),
            BinaryPrimitives.ReadUInt64LittleEndian(source[12..]),
            BinaryPrimitives.ReadUInt32LittleEndian(source[ChecksumOffset..]));
    }

    /// <summary>Begins the checksum of a frame with the header's bytes.</summary>
    public static FrameChecksum BeginChecksum(ReadOnlySpan<byte> header)
    {
        var checksum = default(FrameChecksum);
        checksum.Append(header[..ChecksumOffset]);
        return checksum;
    }
}
