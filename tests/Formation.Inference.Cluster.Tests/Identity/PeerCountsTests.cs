using System.Security.Cryptography;
using Formation.Inference.Cluster.Identity;

namespace Formation.Inference.Cluster.Tests.Identity;

public sealed class PeerCountsTests
{
    private readonly PeerCounts _counts = new();

    [Fact]
    public void Each_peer_is_counted_apart()
    {
        var (one, other) = (Pin(1), Pin(2));
        Assert.Equal(1, _counts.Enter(one));
        Assert.Equal(2, _counts.Enter(one));
        Assert.Equal(1, _counts.Enter(other));
        _counts.Leave(one);
        Assert.Equal(2, _counts.Enter(one));
        Assert.Equal(2, _counts.Peers);
    }

    [Fact]
    public void A_peer_that_has_none_left_takes_no_memory()
    {
        _counts.Enter(Pin(1));
        _counts.Enter(Pin(1));
        _counts.Leave(Pin(1));
        Assert.Equal(1, _counts.Peers);
        _counts.Leave(Pin(1));
        Assert.Equal(0, _counts.Peers);
        Assert.Equal(1, _counts.Enter(Pin(1)));
    }

    [Fact]
    public void Nothing_is_lost_where_many_come_and_go_at_once()
    {
        var (busy, staying) = (Pin(1), Pin(2));
        Parallel.For(0, 8, _ =>
        {
            for (var i = 0; i < 10_000; i++)
            {
                Assert.InRange(_counts.Enter(busy), 1, 8);
                _counts.Leave(busy);
            }
            _counts.Enter(staying);
        });
        Assert.Equal(1, _counts.Peers);
        Assert.Equal(9, _counts.Enter(staying));
    }

    private static KeyPin Pin(byte key) => KeyPin.FromBytes(SHA256.HashData([key]));
}
