using System.Numerics;
using System.Runtime.InteropServices;

namespace Formation.Inference.Node.Stages.Wire;

/// <summary>
/// CRC-32C in four lanes: word i of 8 bytes belongs to lane i mod 4, bytes behind the last whole word to the lane of their word; the result
/// is the CRC-32C of the four lanes' values. A processor begins a CRC in each cycle and has the result three cycles later, so one lane
/// alone would wait most of the time.
/// </summary>
/// <remarks>It finds faults, not attackers: against these there is TLS.</remarks>
internal struct FrameChecksum
{
    const int WordBytes = sizeof(ulong);
    const int StrideBytes = 4 * WordBytes;

    uint _lane0;
    uint _lane1;
    uint _lane2;
    uint _lane3;
    int _offset;

    public void Append(ReadOnlySpan<byte> bytes)
    {
        while (bytes.Length > 0 && _offset != 0)
            AppendByte(ref bytes);
        var words = MemoryMarshal.Cast<byte, ulong>(bytes[..(bytes.Length / StrideBytes * StrideBytes)]);
        var (lane0, lane1, lane2, lane3) = (_lane0, _lane1, _lane2, _lane3);
        for (var i = 0; i + 3 < words.Length; i += 4)
        {
            lane0 = BitOperations.Crc32C(lane0, words[i]);
            lane1 = BitOperations.Crc32C(lane1, words[i + 1]);
            lane2 = BitOperations.Crc32C(lane2, words[i + 2]);
            lane3 = BitOperations.Crc32C(lane3, words[i + 3]);
        }
        (_lane0, _lane1, _lane2, _lane3) = (lane0, lane1, lane2, lane3);
        bytes = bytes[(words.Length * WordBytes)..];
        while (bytes.Length > 0)
            AppendByte(ref bytes);
    }

    public readonly uint Value
    {
        get
        {
            var joined = BitOperations.Crc32C(uint.MaxValue, _lane0);
            joined = BitOperations.Crc32C(joined, _lane1);
            joined = BitOperations.Crc32C(joined, _lane2);
            return ~BitOperations.Crc32C(joined, _lane3);
        }
    }

    void AppendByte(ref ReadOnlySpan<byte> bytes)
    {
        ref var lane = ref _lane0;
        switch (_offset / WordBytes)
        {
            case 1: lane = ref _lane1; break;
            case 2: lane = ref _lane2; break;
            case 3: lane = ref _lane3; break;
        }
        lane = BitOperations.Crc32C(lane, bytes[0]);
        _offset = (_offset + 1) % StrideBytes;
        bytes = bytes[1..];
    }
}
