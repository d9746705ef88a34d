using Formation.Inference.Cluster.Identity;
using Formation.Inference.Cluster.Nodes;
using Formation.Inference.Cluster.Nodes.Control.Wire;
using Formation.Inference.Cluster.Relays;
using Formation.Inference.Cluster.Tests.Fakes;
using Formation.Inference.Cluster.Workers;
using Formation.Inference.Testing;
using WorkerReport = Formation.Inference.Cluster.Workers.WorkerReport;
using WorkerState = Formation.Inference.Cluster.Workers.WorkerState;

namespace Formation.Inference.Cluster.Tests.Relays;

public sealed class RelayServiceTests : IDisposable
{
    private static readonly byte[] Hello = [1, 2, 3];

    private readonly TestRegistry _test = new();
    private readonly RelayMetrics _metrics = new();
    private readonly Dictionary<string, IAsyncEnumerator<GatewayMessage?>> _heard = [];
    private RelayService _relay;

    public RelayServiceTests()
    {
        _relay = New(new RelayOptions());
        foreach (var name in new[] { "here", "hidden" })
        {
            _test.Admit(name);
            _heard[name] = _test.Connect(name, "relay:" + TestRegistry.GatewayPin.Text).OutgoingAsync().GetAsyncEnumerator();
        }
    }

    private static KeyPin Here => TestRegistry.Pin("here");

    private static KeyPin Hidden => TestRegistry.Pin("hidden");

    public void Dispose()
    {
        _relay.Dispose();
        _metrics.Dispose();
        _test.Dispose();
    }

    [Fact]
    public async Task Bytes_go_both_ways_once_the_one_who_was_called_has_called_back()
    {
        var (caller, answerer) = await JoinAsync();
        caller.Say(Hello);
        Assert.Equal(Hello, await answerer.ReadAsync(3));
        answerer.Say(9, 8);
        Assert.Equal([9, 8], await caller.ReadAsync(2));
    }

    [Fact]
    public async Task A_worker_is_called_by_its_own_key_through_its_node()
    {
        var worker = TestRegistry.Pin("worker");
        var connection = new NodeConnection(Hidden, "10.0.0.9:4712");
        Assert.Null(_test.Registry.Register(connection, TestRegistry.Report("hidden")));
        var id = WorkerId.New();
        _test.Registry.Report(connection, new Dictionary<string, WorkerReport> { [id] = new(id, WorkerState.Ready) { Pin = worker } });
        _heard["hidden"] = connection.OutgoingAsync().GetAsyncEnumerator();

        var caller = RelayCaller.Calls(_relay, Here, worker);
        var call = await CalledAsync("hidden");
        Assert.Equal(id, call.Worker);
        var answerer = RelayCaller.Answers(_relay, worker, call.Ticket.ToByteArray());

        Assert.Equal(RelayStatus.Joined, await answerer.StatusAsync());
        Assert.Equal(RelayStatus.Joined, await caller.StatusAsync());
    }

    [Fact]
    public void A_node_can_not_draw_the_calls_of_another_ones_worker_to_itself()
    {
        var worker = TestRegistry.Pin("worker");
        foreach (var name in new[] { "hidden", "here" })
        {
            var connection = new NodeConnection(TestRegistry.Pin(name), "10.0.0.9:4712");
            Assert.Null(_test.Registry.Register(connection, TestRegistry.Report(name)));
            var id = WorkerId.New();
            _test.Registry.Report(connection, new Dictionary<string, WorkerReport> { [id] = new(id, WorkerState.Ready) { Pin = name == "hidden" ? worker : Hidden } });
            _test.Registry.Report(connection, new Dictionary<string, WorkerReport> { [id] = new(id, WorkerState.Ready) { Pin = worker } });
        }
        Assert.Equal("hidden", _test.Registry.HolderOf(worker)!.Node);
        Assert.Null(_test.Registry.HolderOf(Hidden)!.Worker);
    }

    [Fact]
    public async Task A_ticket_that_was_made_up_joins_nobody()
    {
        RelayCaller.Calls(_relay, Here, Hidden);
        await CalledAsync("hidden");
        var stranger = RelayCaller.Answers(_relay, Hidden, new byte[RelayProtocol.TicketBytes]);
        Assert.Equal(RelayStatus.BadTicket, await stranger.StatusAsync());
    }

    [Fact]
    public async Task A_ticket_is_good_for_the_key_that_was_called_and_no_other_can_spoil_it()
    {
        var caller = RelayCaller.Calls(_relay, Here, Hidden);
        var ticket = (await CalledAsync("hidden")).Ticket.ToByteArray();
        Assert.Equal(RelayStatus.BadTicket, await RelayCaller.Answers(_relay, Here, ticket).StatusAsync());
        Assert.Equal(RelayStatus.Joined, await RelayCaller.Answers(_relay, Hidden, ticket).StatusAsync());
        Assert.Equal(RelayStatus.Joined, await caller.StatusAsync());
    }

    [Fact]
    public async Task A_ticket_is_good_once()
    {
        RelayCaller.Calls(_relay, Here, Hidden);
        var ticket = (await CalledAsync("hidden")).Ticket.ToByteArray();
        Assert.Equal(RelayStatus.Joined, await RelayCaller.Answers(_relay, Hidden, ticket).StatusAsync());
        Assert.Equal(RelayStatus.BadTicket, await RelayCaller.Answers(_relay, Hidden, ticket).StatusAsync());
    }

    [Fact]
    public async Task A_ticket_expires_and_the_caller_is_told_that_nobody_came()
    {
        var caller = RelayCaller.Calls(_relay, Here, Hidden);
        var ticket = (await CalledAsync("hidden")).Ticket.ToByteArray();
        await AdvanceUntilAsync(new RelayOptions().AnswerTime / 4, () => _relay.Count == 0);
        Assert.Equal(RelayStatus.NoAnswer, await caller.StatusAsync());
        Assert.Equal(RelayStatus.BadTicket, await RelayCaller.Answers(_relay, Hidden, ticket).StatusAsync());
    }

    [Fact]
    public async Task A_stranger_is_refused_whomever_he_calls()
    {
        Assert.Equal(RelayStatus.Refused, await RelayCaller.Calls(_relay, TestRegistry.Pin("stranger"), Hidden).StatusAsync());
        Assert.Equal(0, _relay.Count);
    }

    [Fact]
    public async Task Who_is_not_online_can_not_be_called()
    {
        _test.Admit("away");
        Assert.Equal(RelayStatus.Unknown, await RelayCaller.Calls(_relay, Here, TestRegistry.Pin("away")).StatusAsync());
        Assert.Equal(RelayStatus.Unknown, await RelayCaller.Calls(_relay, Here, TestRegistry.Pin("nobody")).StatusAsync());
    }

    [Fact]
    public async Task Who_says_nothing_is_cut()
    {
        var silent = new RelayCaller(_relay, Here);
        silent.Say(1, 0);
        await AdvanceUntilAsync(TimeSpan.FromSeconds(1), () => silent.IsAborted);
    }

    [Theory, InlineData(0), InlineData(3), InlineData(255)]
    public async Task A_question_that_there_is_not_ends_the_connection(byte ask)
    {
        var caller = new RelayCaller(_relay, Here);
        caller.Say([ask, .. new byte[RelayProtocol.QuestionBytes - 1]]);
        await Eventually.TrueAsync(() => caller.IsAborted);
    }

    [Fact]
    public async Task Who_does_not_read_holds_the_other_one_up_and_is_given_up_in_the_end()
    {
        var (caller, answerer) = await JoinAsync();
        var writing = caller.SayAsync(new byte[1 << 20]);
        await AdvanceUntilAsync(TimeSpan.FromSeconds(5), () => answerer.IsAborted && caller.IsAborted);
        await Eventually.TrueAsync(() => _relay.Count == 0);
        await Task.WhenAny(writing);
    }

    [Fact]
    public async Task A_connection_on_which_nothing_moves_is_ended()
    {
        var (caller, answerer) = await JoinAsync();
        await AdvanceUntilAsync(TimeSpan.FromSeconds(30), () => answerer.IsAborted && caller.IsAborted);
        await Eventually.TrueAsync(() => _relay.Count == 0);
    }

    [Fact]
    public async Task What_was_said_before_one_end_closed_still_arrives_at_the_other()
    {
        var (caller, answerer) = await JoinAsync();
        caller.Say(Hello);
        caller.Close();
        Assert.Equal(Hello, await answerer.ReadAsync(3));
        await answerer.Serving;
        await caller.Serving;
        Assert.Equal(0, _relay.Count);
    }

    [Fact]
    public async Task A_removed_node_loses_its_connections_at_once_whichever_end_it_is()
    {
        var (caller, answerer) = await JoinAsync();
        _test.Registry.Remove("here");
        Assert.True(caller.IsAborted);
        Assert.True(answerer.IsAborted);
        await Eventually.TrueAsync(() => _relay.Count == 0);
        Assert.Equal(RelayStatus.Refused, await RelayCaller.Calls(_relay, Here, Hidden).StatusAsync());
    }

    [Fact]
    public async Task A_removed_node_that_waits_for_an_answer_gets_none()
    {
        var caller = RelayCaller.Calls(_relay, Here, Hidden);
        var ticket = (await CalledAsync("hidden")).Ticket.ToByteArray();
        _test.Registry.Remove("here");
        Assert.True(caller.IsAborted);
        Assert.Equal(RelayStatus.BadTicket, await RelayCaller.Answers(_relay, Hidden, ticket).StatusAsync());
    }

    [Fact]
    public async Task A_node_has_so_many_connections_and_no_more()
    {
        Restart(new RelayOptions { MaxConnectionsPerNode = 2 });
        await JoinAsync();
        await JoinAsync();
        Assert.Equal(RelayStatus.Busy, await RelayCaller.Calls(_relay, Here, Hidden).StatusAsync());
    }

    [Fact]
    public async Task A_node_is_called_so_often_at_once_and_no_more()
    {
        Restart(new RelayOptions { MaxCallsPerNode = 1 });
        RelayCaller.Calls(_relay, Here, Hidden);
        await CalledAsync("hidden");
        Assert.Equal(RelayStatus.Busy, await RelayCaller.Calls(_relay, Here, Hidden).StatusAsync());
    }

    [Fact]
    public async Task All_nodes_together_have_so_many_connections_and_no_more()
    {
        Restart(new RelayOptions { MaxConnections = 1 });
        await JoinAsync();
        Assert.Equal(RelayStatus.Busy, await RelayCaller.Calls(_relay, Here, Hidden).StatusAsync());
    }

    [Fact]
    public async Task The_gateway_itself_reaches_a_node_without_a_connection_of_its_own()
    {
        var opening = _relay.OpenAsync(Hidden, CancellationToken.None);
        var answerer = RelayCaller.Answers(_relay, Hidden, (await CalledAsync("hidden")).Ticket.ToByteArray());
        await using var stream = await opening;
        Assert.Equal(RelayStatus.Joined, await answerer.StatusAsync());
        await stream.WriteAsync(Hello);
        Assert.Equal(Hello, await answerer.ReadAsync(3));
        answerer.Say(7);
        answerer.Close();
        var read = new byte[2];
        Assert.Equal(1, await stream.ReadAsync(read));
        Assert.Equal(7, read[0]);
        Assert.Equal(0, await stream.ReadAsync(read));
    }

    [Fact]
    public async Task Bytes_are_counted_for_both_nodes()
    {
        var counted = new Dictionary<string, long>();
        using var listener = new System.Diagnostics.Metrics.MeterListener();
        listener.InstrumentPublished = (instrument, self) =>
        {
            if (instrument.Name == "formation.relayed")
                self.EnableMeasurementEvents(instrument);
        };
        listener.SetMeasurementEventCallback<long>((_, bytes, tags, _) =>
        {
            lock (counted)
                counted[(string)tags[0].Value!] = counted.GetValueOrDefault((string)tags[0].Value!) + bytes;
        });
        listener.Start();
        _test.Admit("counted");
        _test.Connect("counted", "10.0.0.1:1");
        var caller = RelayCaller.Calls(_relay, TestRegistry.Pin("counted"), Hidden);
        var answerer = RelayCaller.Answers(_relay, Hidden, (await CalledAsync("hidden")).Ticket.ToByteArray());
        await answerer.StatusAsync();

        caller.Say(Hello);
        await answerer.ReadAsync(3);

        await Eventually.TrueAsync(() =>
        {
            lock (counted)
                return counted.GetValueOrDefault("counted") == 3 && counted.GetValueOrDefault("hidden") >= 3;
        });
    }

    private async Task<(RelayCaller Caller, RelayCaller Answerer)> JoinAsync()
    {
        var caller = RelayCaller.Calls(_relay, Here, Hidden);
        var answerer = RelayCaller.Answers(_relay, Hidden, (await CalledAsync("hidden")).Ticket.ToByteArray());
        Assert.Equal(RelayStatus.Joined, await answerer.StatusAsync());
        Assert.Equal(RelayStatus.Joined, await caller.StatusAsync());
        return (caller, answerer);
    }

    /// <summary>The next call that a node is told of.</summary>
    private async Task<CallBack> CalledAsync(string node)
    {
        while (await _heard[node].MoveNextAsync().AsTask().WaitAsync(TimeSpan.FromSeconds(60)))
            if (_heard[node].Current?.CallBack is { } call)
                return call;
        throw new InvalidOperationException("its connection was closed");
    }

    /// <summary>Moves the clock, and lets what waits for it run, until something is so. Nodes let themselves be heard meanwhile.</summary>
    private async Task AdvanceUntilAsync(TimeSpan step, Func<bool> isSo) => await Eventually.TrueAsync(() =>
    {
        if (!isSo())
            _test.Clock.Advance(step);
        return isSo();
    });

    private void Restart(RelayOptions options)
    {
        _relay.Dispose();
        _relay = New(options);
    }

    private RelayService New(RelayOptions options) => new(_test.Registry, options, _metrics, _test.Clock);
}
