using Formation.Inference.Cluster.Nodes.Control;
using Formation.Inference.Cluster.Nodes.Control.Wire;
using Formation.Inference.Cluster.Tests.Fakes;

namespace Formation.Inference.Cluster.Tests.Nodes.Control;

public sealed class GatewayMessagesTests
{
    [Fact]
    public void Peers_that_are_not_well_formed_are_left_out_and_the_others_stay()
    {
        var pin = TestRegistry.Pin("x").Text;
        var message = new Peers
        {
            Peers_ =
            {
                new Peer { Name = "good", Pin = pin, Addresses = { "10.0.0.1:1", "nonsense", "10.0.0.2:2" }, IsOnline = true },
                new Peer { Name = "Bad Name", Pin = pin },
                new Peer { Name = "no-pin", Pin = "abc" },
            },
        };
        var peer = Assert.Single(GatewayMessages.Read(message));
        Assert.Equal("good", peer.Name);
        Assert.Equal(["10.0.0.1:1", "10.0.0.2:2"], peer.Addresses);
    }

    [Theory]
    [InlineData(0, 50)]
    [InlineData(int.MinValue, 50)]
    [InlineData(500, 500)]
    [InlineData(int.MaxValue, 60_000)]
    public void A_heartbeat_is_neither_endless_nor_a_flood(int told, int taken) =>
        Assert.Equal(taken, GatewayMessages.HeartbeatOf(new Welcome { HeartbeatMilliseconds = told }).TotalMilliseconds);

    [Fact]
    public void Gateways_with_a_plain_or_wrong_URL_are_known_by_their_key_only()
    {
        var message = new Welcome
        {
            Gateways =
            {
                new Gateway { Pin = TestRegistry.GatewayPin.Text, Urls = { "http://10.0.0.1:1", "https://10.0.0.1:8081", "https://u:p@h:1", "ftp://x", "https://10.0.0.1:8081/path" } },
                new Gateway { Pin = "", Urls = { "https://10.0.0.1:8081" } },
            },
        };
        Assert.Equal(["https://10.0.0.1:8081"], Assert.Single(GatewayMessages.Gateways(message.Gateways)).Urls);
    }
}
