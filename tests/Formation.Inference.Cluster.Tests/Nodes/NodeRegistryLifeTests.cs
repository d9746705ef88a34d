using Formation.Inference.Cluster.Nodes;
using Formation.Inference.Cluster.Nodes.Control.Wire;
using Formation.Inference.Cluster.Tests.Fakes;

namespace Formation.Inference.Cluster.Tests.Nodes;

public sealed class NodeRegistryLifeTests : IDisposable
{
    private readonly TestRegistry _test = new();

    private NodeRegistry Registry => _test.Registry;

    public void Dispose() => _test.Dispose();

    [Fact]
    public void A_node_is_away_until_it_registers_and_online_from_then_on()
    {
        _test.Admit("a");
        Assert.Equal(NodeState.Away, Registry.Find("a")!.State);
        _test.Connect("a");
        var node = Registry.Find("a")!;
        Assert.Equal(NodeState.Online, node.State);
        Assert.Equal(Certificates.Now, node.LastSeen);
        Assert.Equal(8L << 30, node.Report!.MemoryBytes);
        Assert.True(node.TakesWork);
    }

    [Fact]
    public void A_silent_node_is_lost_after_its_lease_and_within_three_seconds()
    {
        _test.Admit("a");
        var connection = _test.Connect("a");
        _test.Clock.Advance(TimeSpan.FromSeconds(2));
        Assert.Equal(NodeState.Online, Registry.Find("a")!.State);
        _test.Clock.Advance(TimeSpan.FromSeconds(0.9));
        var node = Registry.Find("a")!;
        Assert.Equal(NodeState.Lost, node.State);
        Assert.StartsWith("nothing was heard of it for 2.", node.Reason);
        Assert.Equal(RefusalReason.Silent, TestRegistry.CloseReason(connection));
    }

    [Fact]
    public void A_node_that_lets_itself_be_heard_stays_online()
    {
        _test.Admit("a");
        var connection = _test.Connect("a");
        for (var i = 0; i < 40; i++)
        {
            _test.Clock.Advance(TimeSpan.FromMilliseconds(500));
            Registry.Heartbeat(connection);
        }
        Assert.Equal(NodeState.Online, Registry.Find("a")!.State);
        Assert.Equal(_test.Clock.GetUtcNow(), Registry.Find("a")!.LastSeen);
    }

    [Fact]
    public void What_a_lost_connection_still_delivers_does_not_bring_the_node_back()
    {
        _test.Admit("a");
        var connection = _test.Connect("a");
        _test.Clock.Advance(TimeSpan.FromSeconds(3));
        Registry.Heartbeat(connection);
        Registry.Report(connection, TestRegistry.Report("a"));
        Assert.Equal(NodeState.Lost, Registry.Find("a")!.State);
    }

    [Fact]
    public void A_goodbye_is_told_apart_from_a_broken_connection()
    {
        _test.Admit("a");
        Registry.Disconnected(_test.Connect("a"), NodeState.Stopped, "its operator stopped it");
        Assert.Equal(NodeState.Stopped, Registry.Find("a")!.State);
        Registry.Disconnected(_test.Connect("a"), NodeState.Lost, "its connection broke");
        Assert.Equal(NodeState.Lost, Registry.Find("a")!.State);
        Assert.Equal(["joined", "online", "stopped", "online", "lost"], Registry.Log.Newest("a", 10).Select(entry => entry.Kind));
    }

    [Fact]
    public void A_new_connection_of_a_node_takes_the_place_of_the_old_one_whose_end_then_says_nothing()
    {
        _test.Admit("a");
        var old = _test.Connect("a");
        _test.Connect("a");
        Assert.Equal(RefusalReason.Replaced, TestRegistry.CloseReason(old));
        Registry.Disconnected(old, NodeState.Lost, "its connection broke");
        Assert.Equal(NodeState.Online, Registry.Find("a")!.State);
    }

    [Fact]
    public void After_a_restart_of_the_gateway_nodes_are_known_and_come_back_by_registering()
    {
        _test.Admit("a");
        var before = _test.Connect("a");
        Registry.SetDraining("a", true);
        _test.Restart();
        Assert.Equal(RefusalReason.ShuttingDown, TestRegistry.CloseReason(before));
        var node = Registry.Find("a")!;
        Assert.Equal(NodeState.Away, node.State);
        Assert.Null(node.Report);
        Assert.True(node.Record.IsDraining);
        _test.Connect("a");
        Assert.Equal(NodeState.Online, Registry.Find("a")!.State);
        Assert.False(Registry.Find("a")!.TakesWork);
    }

    [Fact]
    public void An_unknown_certificate_and_the_right_certificate_with_the_wrong_name_are_refused()
    {
        _test.Admit("a");
        _test.Admit("b");
        var stranger = Registry.Register(new NodeConnection(TestRegistry.Pin("stranger"), "x"), TestRegistry.Report("a"));
        Assert.Equal(RefusalReason.UnknownCertificate, stranger!.Reason);
        var impostor = Registry.Register(new NodeConnection(TestRegistry.Pin("b"), "x"), TestRegistry.Report("a"));
        Assert.Equal(RefusalReason.WrongName, impostor!.Reason);
        Assert.True(stranger.IsFinal && impostor.IsFinal);
        Assert.Equal(NodeState.Away, Registry.Find("a")!.State);
    }

    [Fact]
    public void A_node_that_calls_itself_another_one_later_is_cut()
    {
        _test.Admit("a");
        _test.Admit("b");
        var connection = _test.Connect("b");
        Registry.Report(connection, TestRegistry.Report("a"));
        Assert.Equal(RefusalReason.WrongName, TestRegistry.CloseReason(connection));
        Assert.Null(Registry.Find("a")!.Report);
    }

    [Fact]
    public async Task A_removed_node_is_told_and_cut_and_the_others_know_it_no_more()
    {
        _test.Admit("a");
        _test.Admit("b");
        var removed = _test.Connect("a", "10.0.0.1:1");
        var other = _test.Connect("b");
        Assert.Equal(["a"], Registry.PeersOf(TestRegistry.Pin("b")).Select(peer => peer.Name));

        Assert.True(Registry.Remove("a"));

        Assert.Equal(RefusalReason.Removed, TestRegistry.CloseReason(removed));
        Assert.Equal(GatewayMessage.KindOneofCase.Removed, (await TestRegistry.SentAsync(removed))[^1]!.KindCase);
        Assert.Empty(Registry.PeersOf(TestRegistry.Pin("b")));
        Assert.Contains(null, await TestRegistry.SentAsync(other));
        Registry.Heartbeat(removed);
        Assert.Null(Registry.Find("a"));
    }

    [Fact]
    public async Task A_registration_is_answered_with_times_gateways_and_the_peers()
    {
        _test.Admit("a");
        var sent = await TestRegistry.SentAsync(_test.Connect("a"));
        var welcome = sent[0]!.Welcome;
        Assert.Equal(500, welcome.HeartbeatMilliseconds);
        Assert.Equal(2000, welcome.LeaseMilliseconds);
        Assert.Equal(TestRegistry.GatewayPin.Text, Assert.Single(welcome.Gateways).Pin);
        Assert.Null(sent[1]);
    }

    [Fact]
    public async Task Many_changes_of_the_peers_cost_a_node_one_message()
    {
        _test.Admit("a");
        var a = _test.Connect("a");
        for (var i = 0; i < 30; i++)
        {
            _test.Admit($"n{i}");
            _test.Connect($"n{i}");
        }
        Assert.Single(await TestRegistry.SentAsync(a), message => message is null);
        Assert.Equal(30, Registry.PeersOf(TestRegistry.Pin("a")).Count);
    }

    [Fact]
    public async Task A_node_that_reads_nothing_is_cut_and_what_waits_for_it_is_bounded()
    {
        _test.Admit("a");
        var connection = _test.Connect("a");
        for (var i = 0; i < 1000; i++)
            Registry.Heartbeat(connection);
        Assert.Equal(RefusalReason.NotReading, TestRegistry.CloseReason(connection));
        Assert.Equal(NodeConnection.MaximumWaiting, (await TestRegistry.SentAsync(connection)).Count);
    }

    [Fact]
    public async Task A_newcomer_measures_its_way_to_those_it_can_dial_and_the_others_theirs_to_it()
    {
        foreach (var name in (string[])["dialled", "hidden", "newcomer"])
            _test.Admit(name);
        _test.Connect("dialled", "10.0.0.1:1");
        var hidden = _test.Connect("hidden");
        var newcomer = _test.Connect("newcomer", "10.0.0.3:1");
        Assert.Equal(["dialled"], Probes(await TestRegistry.SentAsync(newcomer)));
        Assert.Equal(["dialled", "newcomer"], Probes(await TestRegistry.SentAsync(hidden)));

        static string[] Probes(IEnumerable<GatewayMessage?> messages) => [.. messages.SelectMany(message => message?.ProbeLinks?.Peers ?? [])];
    }

    [Fact]
    public async Task Where_one_of_two_nodes_is_reached_through_a_relay_the_other_one_measures_because_it_will_call()
    {
        var relay = PeerAddress.Relay(TestRegistry.GatewayPin);
        foreach (var name in new[] { "open", "hidden", "late" })
            _test.Admit(name);
        var open = _test.Connect("open", "10.0.0.1:1", relay);
        var hidden = _test.Connect("hidden", relay);
        var late = _test.Connect("late", relay);
        Assert.Equal(["hidden", "late"], Probes(await TestRegistry.SentAsync(open)));
        Assert.Empty(Probes(await TestRegistry.SentAsync(hidden)));
        Assert.Equal(["hidden"], Probes(await TestRegistry.SentAsync(late)));

        static string[] Probes(IEnumerable<GatewayMessage?> messages) => [.. messages.SelectMany(message => message?.ProbeLinks?.Peers ?? [])];
    }

    [Fact]
    public async Task Links_are_measured_again_from_time_to_time()
    {
        _test.Admit("a");
        _test.Admit("b");
        _test.Connect("a", "10.0.0.1:1");
        var b = _test.Connect("b");
        for (var i = 0; i < 700; i++)
        {
            _test.Clock.Advance(TimeSpan.FromSeconds(1));
            Registry.Report(b, TestRegistry.Report("b"));
        }
        // The other node fell silent meanwhile: nobody measures a way to it.
        Assert.Single(await TestRegistry.SentAsync(b), message => message?.ProbeLinks is not null);
    }

    [Fact]
    public async Task Draining_is_told_to_the_node_and_can_be_taken_back()
    {
        _test.Admit("a");
        var connection = _test.Connect("a");
        Assert.True(Registry.SetDraining("a", true));
        Assert.False(Registry.Find("a")!.TakesWork);
        Assert.True(Registry.SetDraining("a", false));
        Assert.False(Registry.SetDraining("nobody", true));
        Assert.Equal([true, false], (await TestRegistry.SentAsync(connection)).Where(message => message?.Drain is not null).Select(message => message!.Drain.IsDraining));
    }

    [Fact]
    public void The_event_log_keeps_the_newest_and_is_bounded()
    {
        for (var i = 0; i < NodeEventLog.Capacity + 10; i++)
            Registry.Log.Add("n", "test", $"{i}");
        var all = Registry.Log.Newest(null, int.MaxValue);
        Assert.Equal(NodeEventLog.Capacity, all.Count);
        Assert.Equal($"{NodeEventLog.Capacity + 9}", all[^1].Reason);
        Assert.Equal(3, Registry.Log.Newest("n", 3).Count);
    }
}
