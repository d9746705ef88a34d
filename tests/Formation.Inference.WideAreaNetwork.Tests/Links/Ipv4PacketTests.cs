using Formation.Inference.WideAreaNetwork.Links;

namespace Formation.Inference.WideAreaNetwork.Tests.Links;

public sealed class Ipv4PacketTests
{
    private const byte Syn = 0x02;
    private const byte Ack = 0x10;

    [Fact]
    public void A_packet_goes_to_the_node_that_has_its_address() =>
        Assert.All(new[] { 0, 1, Ipv4Packet.MaxNodes - 1 }, node => Assert.Equal(node, Ipv4Packet.NodeOf(Tcp(Syn, node))));

    [Fact]
    public void Packets_to_elsewhere_of_another_version_or_cut_short_go_to_no_node()
    {
        var elsewhere = Tcp(Syn, node: 1);
        elsewhere[18]++;
        Assert.Equal(-1, Ipv4Packet.NodeOf(elsewhere));
        var version6 = Tcp(Syn, node: 1);
        version6[0] = 0x65;
        Assert.Equal(-1, Ipv4Packet.NodeOf(version6));
        Assert.Equal(-1, Ipv4Packet.NodeOf(Tcp(Syn, node: 1).AsSpan(0, 19)));
        Assert.Equal(-1, Ipv4Packet.NodeOf([]));
    }

    [Theory]
    [InlineData(Syn, true)]
    [InlineData(Syn | Ack, false)]
    [InlineData(Ack, false)]
    public void A_SYN_without_an_ACK_opens_a_connection(byte flags, bool opens) => Assert.Equal(opens, Ipv4Packet.OpensConnection(Tcp(flags, node: 1)));

    [Fact]
    public void Options_of_the_header_move_the_flags()
    {
        byte[] packet = [.. Tcp(Ack, node: 1)[..20], 1, 1, 1, 1, .. Tcp(Syn, node: 1)[20..]];
        packet[0] = 0x46;
        Assert.True(Ipv4Packet.OpensConnection(packet));
    }

    [Fact]
    public void Other_protocols_later_fragments_and_packets_cut_short_open_none()
    {
        var datagram = Tcp(Syn, node: 1);
        datagram[9] = 17;
        Assert.False(Ipv4Packet.OpensConnection(datagram));
        var fragment = Tcp(Syn, node: 1);
        fragment[7] = 1;
        Assert.False(Ipv4Packet.OpensConnection(fragment));
        Assert.False(Ipv4Packet.OpensConnection(Tcp(Syn, node: 1).AsSpan(0, 33)));
        Assert.False(Ipv4Packet.OpensConnection([]));
    }

    // Headers of 20 bytes each; what is not looked at is zero.
    private static byte[] Tcp(byte flags, int node)
    {
        var packet = new byte[40];
        packet[0] = 0x45;
        packet[9] = 6;
        Ipv4Packet.AddressOf(node).GetAddressBytes().CopyTo(packet, 16);
        packet[33] = flags;
        return packet;
    }
}
