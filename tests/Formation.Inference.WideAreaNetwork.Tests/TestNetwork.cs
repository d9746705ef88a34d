using System.Net;
using System.Net.Sockets;
using Formation.Inference.WideAreaNetwork.Links;

namespace Formation.Inference.WideAreaNetwork.Tests;

/// <summary>What tests on a real network share; they are skipped where none can be made.</summary>
static class TestNetwork
{
    /// <summary>A network of two nodes, or more.</summary>
    public static EmulatedNetwork Create(LinkSettings? link = null, int nodes = 2)
    {
        SkipWhereUnavailable();
        return EmulatedNetwork.Create(nodes, link ?? new LinkSettings(), seed: 1, TimeProvider.System);
    }

    public static void SkipWhereUnavailable() => Assert.SkipWhen(EmulatedNetwork.Unavailable is not null, EmulatedNetwork.Unavailable ?? "");

    /// <summary>A socket that listens on a node, and where.</summary>
    public static (Socket Listener, IPEndPoint Address) Listen(this EmulatedNode node)
    {
        var listener = node.OpenTcpSocket();
        listener.Bind(new IPEndPoint(IPAddress.Any, 0));
        listener.Listen();
        return (listener, new IPEndPoint(node.Address, ((IPEndPoint)listener.LocalEndPoint!).Port));
    }

    /// <summary>Both ends of a connection.</summary>
    public static async Task<(Socket Client, Socket Server)> ConnectAsync(this EmulatedNetwork network, int from, int to)
    {
        var (listener, address) = network.Nodes[to].Listen();
        using (listener)
        {
            var client = network.Nodes[from].OpenTcpSocket();
            await client.ConnectAsync(address, TestContext.Current.CancellationToken);
            var server = await listener.AcceptAsync(TestContext.Current.CancellationToken);
            client.NoDelay = server.NoDelay = true;
            return (client, server);
        }
    }

    /// <summary>Sends one byte and waits until it has come, as often as asked for, to and fro in turns.</summary>
    public static async Task PingPongAsync(Socket one, Socket other, int rounds)
    {
        for (var i = 0; i < rounds; i++)
        {
            await SendAsync(one, other, (byte)i);
            await SendAsync(other, one, (byte)(i + 1));
        }
    }

    /// <summary>Sends one byte from here to there.</summary>
    public static async Task SendAsync(Socket from, Socket to, byte value)
    {
        await from.SendAsync(new[] { value }, TestContext.Current.CancellationToken);
        var got = new byte[2];
        Assert.Equal(1, await to.ReceiveAsync(got, TestContext.Current.CancellationToken));
        Assert.Equal(value, got[0]);
    }
}
