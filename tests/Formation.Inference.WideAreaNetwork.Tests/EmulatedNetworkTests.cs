using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using Formation.Inference.WideAreaNetwork.Links;
using Formation.Inference.WideAreaNetwork.Namespaces;

namespace Formation.Inference.WideAreaNetwork.Tests;

/// <summary>Real sockets and processes in real namespaces.</summary>
public sealed class EmulatedNetworkTests
{
    [Fact]
    public async Task A_round_trip_takes_at_least_both_delays()
    {
        using var network = TestNetwork.Create(new LinkSettings { Delay = TimeSpan.FromMilliseconds(4) });
        network[1, 0].Settings = network[1, 0].Settings with { Delay = TimeSpan.FromMilliseconds(8) };
        var (client, server) = await network.ConnectAsync(0, 1);
        using (client)
        using (server)
        {
            var start = Stopwatch.GetTimestamp();
            await TestNetwork.PingPongAsync(client, server, rounds: 5);
            Assert.True(Stopwatch.GetElapsedTime(start) >= TimeSpan.FromMilliseconds(5 * (4 + 8)));
        }
    }

    [Fact]
    public async Task Data_comes_whole_and_no_faster_than_the_rate()
    {
        const int Bytes = 512 << 10;
        const long Rate = 40_000_000;
        using var network = TestNetwork.Create(new LinkSettings { BitsPerSecond = Rate, Loss = 0.01 });
        var (client, server) = await network.ConnectAsync(0, 1);
        using (client)
        using (server)
        {
            var sent = new byte[Bytes];
            new Random(1).NextBytes(sent);
            var got = new MemoryStream();
            var start = Stopwatch.GetTimestamp();
            var sending = SendAsync();
            await using (var stream = new NetworkStream(server))
                await stream.CopyToAsync(got, TestContext.Current.CancellationToken);
            var elapsed = Stopwatch.GetElapsedTime(start);
            await sending;

            Assert.Equal(sent, got.ToArray());
            Assert.True(elapsed >= TimeSpan.FromSeconds(Bytes * 8.0 / Rate), $"{Bytes} bytes took {elapsed.TotalMilliseconds} ms");
            Assert.True(network[0, 1].Traffic.Bytes > Bytes);
            Assert.True(network[0, 1].Traffic.Lost > 0);

            async Task SendAsync()
            {
                for (var at = 0; at < Bytes;)
                    at += await client.SendAsync(sent.AsMemory(at), TestContext.Current.CancellationToken);
                client.Shutdown(SocketShutdown.Send);
            }
        }
    }

    [Fact]
    public async Task A_cut_tells_neither_end_and_what_was_sent_comes_when_it_is_over()
    {
        using var network = TestNetwork.Create();
        var (client, server) = await network.ConnectAsync(0, 1);
        using (client)
        using (server)
        {
            await TestNetwork.PingPongAsync(client, server, rounds: 1);
            network.Cut(0, 1);
            var receiving = server.ReceiveAsync(new byte[2], TestContext.Current.CancellationToken);
            var answer = client.ReceiveAsync(new byte[2], TestContext.Current.CancellationToken);
            Assert.Equal(1, await client.SendAsync(new byte[1], TestContext.Current.CancellationToken));

            // The sender's kernel has asked again and again by then.
            await Eventually.TrueAsync(() => network[0, 1].Traffic.Cut >= 3);
            Assert.False(receiving.IsCompleted);
            Assert.False(answer.IsCompleted);

            network.Restore(0, 1);
            Assert.Equal(1, await receiving);
            await server.SendAsync(new byte[2], TestContext.Current.CancellationToken);
            Assert.Equal(2, await answer);
        }
    }

    [Fact]
    public async Task A_node_that_is_cut_off_is_silent_to_all_and_the_others_go_on()
    {
        using var network = TestNetwork.Create(nodes: 3);
        var (one, two) = await network.ConnectAsync(0, 1);
        using (one)
        using (two)
        {
            network.Cut(2);
            await TestNetwork.PingPongAsync(one, two, rounds: 3);
            var (listener, address) = network.Nodes[2].Listen();
            using (listener)
            using (var caller = network.Nodes[0].OpenTcpSocket())
            {
                var connecting = caller.ConnectAsync(address);
                await Eventually.TrueAsync(() => network[0, 2].Traffic.Cut > 0);
                Assert.False(connecting.IsCompleted);

                // The kernel dials again by itself.
                network.Restore(2);
                await connecting.WaitAsync(TestContext.Current.CancellationToken);
            }
        }
    }

    [Fact]
    public async Task A_node_that_nobody_can_dial_dials_out()
    {
        using var network = TestNetwork.Create();
        var (before, accepted) = await network.ConnectAsync(0, 1);
        network.Nodes[1].RefusesConnections = true;
        var (listener, address) = network.Nodes[1].Listen();
        using (before)
        using (accepted)
        using (listener)
        using (var caller = network.Nodes[0].OpenTcpSocket())
        {
            var connecting = caller.ConnectAsync(address);
            await Eventually.TrueAsync(() => network[0, 1].Traffic.Refused > 0);
            Assert.False(connecting.IsCompleted);

            var (client, server) = await network.ConnectAsync(1, 0);
            using (client)
            using (server)
                await TestNetwork.PingPongAsync(client, server, rounds: 2);
            await TestNetwork.PingPongAsync(before, accepted, rounds: 2);

            caller.Dispose();
            await Assert.ThrowsAnyAsync<SocketException>(() => connecting);
        }
    }

    [Fact]
    public async Task Two_networks_have_the_same_addresses_and_do_not_meet()
    {
        using var one = TestNetwork.Create();
        using var other = TestNetwork.Create();
        Assert.Equal(one.Nodes[1].Address, other.Nodes[1].Address);
        var (listener, address) = one.Nodes[1].Listen();
        using (listener)
        using (var stranger = other.Nodes[0].OpenTcpSocket())
        {
            var error = await Assert.ThrowsAsync<SocketException>(() => stranger.ConnectAsync(address));
            Assert.Equal(SocketError.ConnectionRefused, error.SocketErrorCode);
        }
    }

    [Fact]
    public async Task An_HTTP_client_of_this_process_sends_from_a_node()
    {
        using var network = TestNetwork.Create();
        var (listener, address) = network.Nodes[1].Listen();
        using (listener)
        using (var client = new HttpClient(network.Nodes[0].CreateHttpHandler()))
        {
            var asking = client.GetStringAsync($"http://{address}/", TestContext.Current.CancellationToken);
            using var server = await listener.AcceptAsync(TestContext.Current.CancellationToken);
            Assert.Equal(network.Nodes[0].Address, ((IPEndPoint)server.RemoteEndPoint!).Address);
            await server.SendAsync("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello"u8.ToArray(), TestContext.Current.CancellationToken);
            Assert.Equal("hello", await asking);
        }
    }

    [Fact]
    public async Task Processes_run_on_nodes_and_end_with_the_network_as_its_namespaces_do()
    {
        var network = TestNetwork.Create();
        var names = network.Nodes.Select(node => node.Name).ToArray();
        Process process;
        using (network)
        {
            Assert.All(names, name => Assert.True(NetworkNamespace.Exists(name)));
            var start = network.Nodes[1].Command("sh", "-c", "ip -4 -oneline address show dev wan0; exec sleep 1000");
            start.RedirectStandardOutput = true;
            process = Process.Start(start)!;
            Assert.Contains(network.Nodes[1].Address.ToString(), await process.StandardOutput.ReadLineAsync(TestContext.Current.CancellationToken));
        }
        using (process)
        {
            await process.WaitForExitAsync(TestContext.Current.CancellationToken);
            const int Killed = 128 + 9;
            Assert.Equal(Killed, process.ExitCode);
        }
        Assert.All(names, name => Assert.False(NetworkNamespace.Exists(name)));
    }

    [Fact]
    public void A_command_keeps_its_arguments_and_its_environment()
    {
        using var network = TestNetwork.Create();
        var start = new ProcessStartInfo("program", ["one", "two words"]) { WorkingDirectory = "/tmp" };
        start.Environment["HOME"] = "/home/of/a/test";
        Assert.Same(start, network.Nodes[0].Enter(start));
        Assert.Equal("ip", start.FileName);
        Assert.Equal(["netns", "exec", network.Nodes[0].Name, "program", "one", "two words"], start.ArgumentList);
        Assert.Equal(("/tmp", "/home/of/a/test"), (start.WorkingDirectory, start.Environment["HOME"]));
        Assert.Throws<ArgumentException>(() => network.Nodes[0].Enter(new ProcessStartInfo("program", "one two")));
    }

    [Fact]
    public void A_node_has_no_link_to_itself()
    {
        using var network = TestNetwork.Create();
        Assert.Throws<ArgumentException>(() => network[1, 1]);
    }
}
