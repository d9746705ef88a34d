using Formation.Inference.Cluster.Nodes;
using Formation.Inference.Cluster.Tests.Fakes;

namespace Formation.Inference.Cluster.Tests.Nodes;

public sealed class PeerAddressTests
{
    [Fact]
    public void An_address_through_a_relay_names_the_gateway_and_no_host()
    {
        var text = PeerAddress.Relay(TestRegistry.GatewayPin);
        Assert.True(PeerAddress.IsValid(text));
        Assert.False(PeerAddress.IsDirect(text));
        Assert.True(PeerAddress.TryParseRelay(text, out var gateway));
        Assert.Equal(TestRegistry.GatewayPin, gateway);
    }

    [Theory, InlineData("10.0.0.1:7001"), InlineData("[fe80::1]:7001"), InlineData("a-host:1")]
    public void A_host_with_a_port_is_dialled_directly(string text)
    {
        Assert.True(PeerAddress.IsValid(text) && PeerAddress.IsDirect(text));
        Assert.False(PeerAddress.TryParseRelay(text, out _));
    }

    [Theory]
    [InlineData("")]
    [InlineData("relay:")]
    [InlineData("relay:8081/x")]
    [InlineData("relay:00ff")]
    [InlineData("relay:GG00000000000000000000000000000000000000000000000000000000000000")]
    [InlineData("relay:0000000000000000000000000000000000000000000000000000000000000000,10.0.0.1:1")]
    [InlineData("RELAY:0000000000000000000000000000000000000000000000000000000000000000")]
    public void Anything_else_is_no_address(string text) => Assert.False(PeerAddress.IsValid(text));
}
