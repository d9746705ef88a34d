using System.Net;
using Formation.Inference.Cluster.Nodes;

namespace Formation.Inference.Cluster.Tests.Nodes;

public sealed class ControlEndpointTests
{
    private static readonly IPAddress[] Machine = [IPAddress.Parse("192.168.1.5"), IPAddress.Parse("fd00::5")];

    [Theory]
    [InlineData("0.0.0.0", null, "https://192.168.1.5:8081/")]
    [InlineData("0.0.0.0", "127.0.0.1", "https://192.168.1.5:8081/")]
    [InlineData("0.0.0.0", "localhost", "https://192.168.1.5:8081/")]
    [InlineData("0.0.0.0", "[::1]", "https://192.168.1.5:8081/")]
    [InlineData("0.0.0.0", "gateway.example", "https://gateway.example:8081/")]
    [InlineData("::", "10.1.2.3", "https://10.1.2.3:8081/")]
    [InlineData("127.0.0.1", "gateway.example", "https://127.0.0.1:8081/")]
    [InlineData("fd00::7", "gateway.example", "https://[fd00::7]:8081/")]
    public void A_node_is_given_the_name_that_the_operator_used_where_it_can_serve_a_node(string bound, string? reachedAs, string url) =>
        Assert.Equal(url, new ControlEndpoint(IPAddress.Parse(bound), 8081, Machine).UrlFor(reachedAs).ToString());

    [Fact]
    public void A_machine_without_a_network_names_itself() =>
        Assert.Equal("https://127.0.0.1:8081/", new ControlEndpoint(IPAddress.Any, 8081, []).UrlFor(null).ToString());

    [Theory]
    [InlineData("127.0.0.1", false)]
    [InlineData("::1", false)]
    [InlineData("0.0.0.0", true)]
    [InlineData("192.168.1.5", true)]
    public void Loopback_is_reached_from_this_machine_only(string bound, bool outside) =>
        Assert.Equal(outside, new ControlEndpoint(IPAddress.Parse(bound), 8081, Machine).IsReachableFromOutside);

    [Theory]
    [InlineData("my-laptop.local", "my-laptop")]
    [InlineData("HOST_7", "host-7")]
    [InlineData("-x-", "x")]
    [InlineData("---", "node")]
    [InlineData("", "node")]
    [InlineData("ÄÖ", "node")]
    public void A_host_name_suggests_a_node_name(string host, string name)
    {
        Assert.Equal(name, NodeName.FromHost(host));
        Assert.True(NodeName.IsValid(NodeName.FromHost(host)));
    }
}
