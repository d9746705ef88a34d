using Formation.Inference.WideAreaNetwork.CommandLine;

namespace Formation.Inference.WideAreaNetwork.Tests.CommandLine;

public sealed class NetworkConsoleTests
{
    [Fact]
    public async Task Lines_change_the_network_until_one_says_quit()
    {
        using var network = TestNetwork.Create(nodes: 3);
        Assert.Equal("ok\nok\nok\nok\nok\n", await ObeyAsync(network, "cut 1 2", "delay 2 3 7ms", "rate 2 3 5Mbit", "loss 2 3 1%", "nat 3 on", "quit", "restore 1 2"));
        Assert.True(network[0, 1].Settings.IsCut && network[1, 0].Settings.IsCut);
        Assert.False(network[0, 2].Settings.IsCut);
        Assert.Equal((TimeSpan.FromMilliseconds(7), 5_000_000L, 0.01),
            (network[2, 1].Settings.Delay, network[2, 1].Settings.BitsPerSecond, network[2, 1].Settings.Loss));
        Assert.True(network.Nodes[2].RefusesConnections);

        await ObeyAsync(network, "restore 1", "cut 3", "nat 3 off");
        Assert.False(network[0, 1].Settings.IsCut);
        Assert.True(network[2, 0].Settings.IsCut && network[1, 2].Settings.IsCut);
        Assert.False(network.Nodes[2].RefusesConnections);
    }

    [Fact]
    public async Task It_says_what_went_over_each_link_and_what_it_does_not_understand()
    {
        using var network = TestNetwork.Create();
        var (client, server) = await network.ConnectAsync(0, 1);
        using (client)
        using (server)
            await TestNetwork.PingPongAsync(client, server, rounds: 1);
        Assert.Matches("^1 to 2: [1-9][0-9]* packets, [1-9][0-9]* bytes; dropped: 0 with the queue full, 0 by chance", await ObeyAsync(network, "traffic"));
        Assert.Contains("no node '3'", await ObeyAsync(network, "cut 1 3"));
        Assert.Contains("itself", await ObeyAsync(network, "cut 1 1"));
        Assert.Contains("restore ONE", await ObeyAsync(network, "delay 1 2 soon"));
        Assert.Contains("a delay is", await ObeyAsync(network, "delay 1 2 2000s"), StringComparison.OrdinalIgnoreCase);
    }

    private static async Task<string> ObeyAsync(EmulatedNetwork network, params string[] lines)
    {
        var output = new StringWriter { NewLine = "\n" };
        await new NetworkConsole(network, new StringReader(string.Join('\n', lines)), output).RunAsync(TestContext.Current.CancellationToken);
        return output.ToString();
    }
}
