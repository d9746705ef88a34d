using System.Buffers.Binary;
using System.Net;

namespace Formation.Inference.WideAreaNetwork.Links;

/// <summary>What a forwarder reads of a packet: to which node it goes, and whether it opens a connection (RFC 791, RFC 9293).</summary>
static class Ipv4Packet
{
    private const int HeaderBytes = 20;
    private const byte Tcp = 6;
    private const byte Syn = 0x02;
    private const byte Ack = 0x10;

    // 10.64.0.0/24. All networks have the same addresses: their namespaces know nothing of each other, nor of the machine.
    private const uint Network = 0x0A40_0000;

    /// <summary>Nodes that the addresses are enough for.</summary>
    public const int MaxNodes = 250;

    /// <summary>Bits of an address that are the same for all nodes.</summary>
    public const int PrefixBits = 24;

    /// <summary>The address of a node, counted from 0.</summary>
    public static IPAddress AddressOf(int node)
    {
        var bytes = new byte[4];
        BinaryPrimitives.WriteUInt32BigEndian(bytes, Network + (uint)node + 1);
        return new IPAddress(bytes);
    }

    /// <summary>The node, counted from 0, that a packet goes to; negative for all else that a machine says when an interface comes up.</summary>
    public static int NodeOf(ReadOnlySpan<byte> packet)
    {
        if (packet.Length < HeaderBytes || packet[0] >> 4 != 4)
            return -1;
        var destination = BinaryPrimitives.ReadUInt32BigEndian(packet[16..]);
        return destination >> (32 - PrefixBits) == Network >> (32 - PrefixBits) ? (int)(destination & byte.MaxValue) - 1 : -1;
    }

    /// <summary>Whether a packet asks for a new TCP connection: SYN without ACK.</summary>
    public static bool OpensConnection(ReadOnlySpan<byte> packet)
    {
        if (packet.Length < HeaderBytes || packet[9] != Tcp)
            return false;
        // Only the first fragment has the header of TCP.
        if ((BinaryPrimitives.ReadUInt16BigEndian(packet[6..]) & 0x1FFF) != 0)
            return false;
        var flags = ((packet[0] & 0xF) * 4) + 13;
        return flags < packet.Length && (packet[flags] & (Syn | Ack)) == Syn;
    }
}
