using System.Security.Cryptography;
using Formation.Inference.Cluster.Identity;
using Formation.Inference.Node.Agent;

namespace Formation.Inference.Node.Tests.Agent;

public sealed class DecidingGatewayTests
{
    private static readonly KeyPin One = KeyPin.FromBytes(SHA256.HashData([1]));
    private static readonly KeyPin Two = KeyPin.FromBytes(SHA256.HashData([2]));

    private readonly DecidingGateway _deciding = new();

    [Fact]
    public void The_first_that_gives_orders_is_followed()
    {
        Assert.Null(_deciding.Pin);
        Assert.True(_deciding.TryFollow(One, 0));
        Assert.Equal(One, _deciding.Pin);
    }

    [Fact]
    public void A_gateway_that_decides_since_later_is_followed_and_the_earlier_one_no_more()
    {
        Assert.True(_deciding.TryFollow(One, 7));
        Assert.True(_deciding.TryFollow(Two, 8));
        Assert.False(_deciding.TryFollow(One, 7));
        Assert.True(_deciding.TryFollow(Two, 8));
        Assert.Equal(Two, _deciding.Pin);
    }

    [Fact]
    public void The_gateway_that_decides_may_begin_anew()
    {
        Assert.True(_deciding.TryFollow(One, 7));
        Assert.True(_deciding.TryFollow(One, 1));
        Assert.True(_deciding.TryFollow(Two, 2));
    }
}
