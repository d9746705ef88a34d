using System.Diagnostics;
using System.Net;
using Formation.Inference.Cluster.Identity;
using Formation.Inference.Cluster.Nodes;
using Formation.Inference.Cluster.Workers;
using Formation.Inference.Node.Relays;
using Formation.Inference.Node.Workers;
using Formation.Inference.Testing;

namespace Formation.Inference.Node.Tests.Workers;

public sealed class WorkerSupervisorTests : IAsyncDisposable
{
    // Says that it is ready, and then waits for the end of its input, as a worker does.
    private const string Ready =
        """read first; echo '{"Report":{"Id":"x","State":"Ready","Pin":"0000000000000000000000000000000000000000000000000000000000000001"},"Port":7123}'; while read more; do :; done""";

    private const long MemoryBytes = 2 << 20;

    private readonly List<string> _progress = [];
    private readonly WorkerSupervisor _supervisor;
    private string _script = Ready;
    private FetchWeights _fetch = (order, _, _) => Task.FromResult(new WeightsOnDisk(order.ModelPath));

    public WorkerSupervisorTests() => _supervisor = Create(new IPEndPoint(IPAddress.Loopback, 0));

    [Fact]
    public async Task What_a_worker_says_is_reported_under_its_order_with_the_addresses_of_the_node()
    {
        var order = WorkerOrders.Stage();

        _supervisor.Apply([order]);
        await Eventually.TrueAsync(() => Report().State == WorkerState.Ready);

        Assert.Equal(order.Id, Report().Id);
        Assert.Equal(["10.0.0.1:7123"], Report().Addresses);
        Assert.NotNull(Report().Pin);
    }

    [Fact]
    public async Task A_worker_whose_process_is_killed_has_failed_and_the_others_go_on()
    {
        // Each writes its own process id, which nobody but the test looks at.
        _script = """read first; echo $$ >&2; echo '{"Report":{"Id":"x","State":"Ready"},"Port":1}'; while read more; do :; done""";
        var (doomed, other) = (WorkerOrders.Stage(), WorkerOrders.Stage());
        _supervisor.Apply([doomed]);
        await Eventually.TrueAsync(() => Report().State == WorkerState.Ready && Pid() is not null);
        var pid = Pid()!.Value;
        _supervisor.Apply([doomed, other]);
        await Eventually.TrueAsync(() => _supervisor.Reports().All(report => report.State == WorkerState.Ready));

        Process.GetProcessById(pid).Kill();
        await Eventually.TrueAsync(() => ReportOf(doomed).State == WorkerState.Failed);

        Assert.Contains("signal 9", ReportOf(doomed).Reason, StringComparison.Ordinal);
        Assert.Empty(ReportOf(doomed).Addresses);
        Assert.Equal(WorkerState.Ready, ReportOf(other).State);
    }

    [Fact]
    public async Task A_worker_that_says_why_it_fails_is_reported_with_that()
    {
        _script = """read first; echo '{"Report":{"Id":"x","State":"Failed","Reason":"its file is damaged"},"Port":0}'; exit 1""";

        _supervisor.Apply([WorkerOrders.Stage()]);
        await Eventually.TrueAsync(() => Report().State == WorkerState.Failed);

        Assert.Equal("its file is damaged", Report().Reason);
    }

    [Fact]
    public async Task What_a_process_complains_of_before_it_ends_is_part_of_the_reason()
    {
        _script = "read first; echo 'out of luck' >&2; exit 3";

        _supervisor.Apply([WorkerOrders.Stage()]);
        await Eventually.TrueAsync(() => Report().State == WorkerState.Failed);

        Assert.Contains("3", Report().Reason, StringComparison.Ordinal);
        Assert.Contains("out of luck", Report().Reason, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_process_that_speaks_something_else_is_ended()
    {
        _script = "read first; echo 'hello'; sleep 1000";

        _supervisor.Apply([WorkerOrders.Stage()]);

        await Eventually.TrueAsync(() => Report().State == WorkerState.Failed);
    }

    [Fact]
    public async Task A_program_that_is_not_there_is_a_failure_of_the_worker()
    {
        await using var supervisor = Create(new IPEndPoint(IPAddress.Loopback, 0), () => new ProcessStartInfo("/nowhere/program"));

        supervisor.Apply([WorkerOrders.Stage()]);

        await Eventually.TrueAsync(() => supervisor.Reports().Single() is { State: WorkerState.Failed, Reason.Length: > 0 });
    }

    [Fact]
    public async Task A_worker_that_is_ordered_no_more_ends_and_is_reported_no_more()
    {
        _script = """read first; echo $$ >&2; echo '{"Report":{"Id":"x","State":"Ready"},"Port":1}'; while read more; do :; done""";
        _supervisor.Apply([WorkerOrders.Stage()]);
        await Eventually.TrueAsync(() => Report().State == WorkerState.Ready && Pid() is not null);

        _supervisor.Apply([]);

        Assert.Empty(_supervisor.Reports());
        Assert.Equal(0, _supervisor.OrderedBytes);
        await Eventually.TrueAsync(() => !Directory.Exists($"/proc/{Pid()}"));
    }

    [Fact]
    public async Task A_change_of_an_order_reaches_the_process_that_runs()
    {
        _script = """
            read first; echo '{"Report":{"Id":"x","State":"Waiting"},"Port":1}'
            while read more; do case "$more" in *'"IsLeaving":true'*) echo '{"Report":{"Id":"x","State":"Ready","Reason":"leaves"},"Port":1}';; esac; done
            """;
        var order = WorkerOrders.Stage();
        _supervisor.Apply([order]);
        await Eventually.TrueAsync(() => Report().State == WorkerState.Waiting);

        _supervisor.Apply([order with { IsLeaving = true }]);

        await Eventually.TrueAsync(() => Report().Reason == "leaves");
    }

    [Fact]
    public async Task A_worker_that_needs_more_than_the_node_gives_is_refused_to_the_byte_and_those_that_run_stay()
    {
        var (first, second) = (WorkerOrders.Stage(MemoryBytes - 400), WorkerOrders.Stage(500));
        _supervisor.Apply([first]);
        await Eventually.TrueAsync(() => Report().State == WorkerState.Ready);

        _supervisor.Apply([second, first]);

        Assert.Equal(WorkerState.Failed, ReportOf(second).State);
        Assert.Contains("100 bytes are missing", ReportOf(second).Reason, StringComparison.Ordinal);
        Assert.Equal(WorkerState.Ready, ReportOf(first).State);
    }

    [Fact]
    public async Task Weights_that_can_not_be_had_are_a_failure_and_their_progress_is_told()
    {
        var come = new TaskCompletionSource<WeightsOnDisk>();
        _fetch = (_, progress, _) =>
        {
            progress.Report(new WeightsProgress(0.25, 1000));
            return come.Task;
        };
        _supervisor.Apply([WorkerOrders.Stage()]);
        await Eventually.TrueAsync(() => Report() is { State: WorkerState.Fetching, Progress: 0.25, FetchedBytes: 1000 });

        come.SetException(new IOException("nobody has the weights"));

        await Eventually.TrueAsync(() => Report() is { State: WorkerState.Failed, Reason: "nobody has the weights", FetchedBytes: 1000 });
    }

    [Fact]
    public async Task Workers_of_a_node_that_nobody_can_dial_are_reached_through_the_gateways_that_it_is_connected_to()
    {
        _script = """read first; case "$first" in *'"Address":""'*) echo '{"Report":{"Id":"x","State":"Ready"},"Port":0,"IsOpen":true}';; esac; while read more; do :; done""";
        await using var supervisor = Create(null);
        var (one, other) = (new KnownGateway(Pin(1), ["https://10.0.0.1:8081"]), new KnownGateway(Pin(2), []));
        supervisor.UseRelays([one, other], [one.Pin]);

        supervisor.Apply([WorkerOrders.Stage()]);

        await Eventually.TrueAsync(() => supervisor.Reports().Single().State == WorkerState.Ready);
        Assert.Equal([PeerAddress.Relay(one.Pin)], supervisor.Reports().Single().Addresses);
        supervisor.UseRelays([one, other], [other.Pin, one.Pin]);
        Assert.Equal([PeerAddress.Relay(other.Pin), PeerAddress.Relay(one.Pin)], supervisor.Reports().Single().Addresses);
    }

    [Fact]
    public async Task A_worker_is_told_to_call_back_with_its_ticket()
    {
        _script = """read first; echo '{"Report":{"Id":"x","State":"Starting"},"Port":0}'; while read more; do case "$more" in *'"Ticket":"CQkJ'*) echo '{"Report":{"Id":"x","State":"Ready"},"Port":0}';; esac; done""";
        await using var supervisor = Create(null);
        var order = WorkerOrders.Stage();
        supervisor.Apply([order]);

        await Eventually.TrueAsync(() =>
        {
            supervisor.Answer(order.Id, new RelayCall(Pin(1), [.. Enumerable.Repeat((byte)9, 32)]));
            return supervisor.Reports().Single().State == WorkerState.Ready;
        });
    }

    [Fact]
    public async Task Workers_take_the_ports_behind_the_nodes_own()
    {
        _script = """read first; case "$first" in *'"Port":7001'*) echo '{"Report":{"Id":"x","State":"Ready"},"Port":7001}';; *) echo '{"Report":{"Id":"x","State":"Ready"},"Port":7002}';; esac; while read more; do :; done""";
        await using var supervisor = Create(new IPEndPoint(IPAddress.Loopback, 7000));
        var (first, second) = (WorkerOrders.Stage(10), WorkerOrders.Stage(10));

        supervisor.Apply([first]);
        supervisor.Apply([first, second]);
        await Eventually.TrueAsync(() => supervisor.Reports().All(report => report.State == WorkerState.Ready));

        Assert.Equal(["10.0.0.1:7001"], supervisor.Reports().Single(report => report.Id == first.Id).Addresses);
        Assert.Equal(["10.0.0.1:7002"], supervisor.Reports().Single(report => report.Id == second.Id).Addresses);
    }

    public ValueTask DisposeAsync() => _supervisor.DisposeAsync();

    private WorkerSupervisor Create(IPEndPoint? listen, Func<ProcessStartInfo>? process = null) => new(new WorkerSupervisorOptions
    {
        Process = process ?? (() => new ProcessStartInfo("/bin/sh", ["-c", _script])),
        Fetch = (order, progress, cancellation) => _fetch(order, progress, cancellation),
        MemoryBytes = MemoryBytes,
        Threads = 1,
        Listen = listen,
        Addresses = endpoint => [$"10.0.0.1:{endpoint.Port}"],
        Clock = TimeProvider.System,
        Progress = line =>
        {
            lock (_progress)
                _progress.Add(line);
        },
    });

    private static KeyPin Pin(byte content) => KeyPin.FromBytes([.. Enumerable.Repeat(content, KeyPin.ByteCount)]);

    private WorkerReport Report() => _supervisor.Reports().Single();

    private WorkerReport ReportOf(WorkerOrder order) => _supervisor.Reports().Single(report => report.Id == order.Id);

    private int? Pid()
    {
        lock (_progress)
            return _progress.Select(line => line.Split(' ')[^1]).Select(word => int.TryParse(word, out var pid) ? pid : (int?)null).LastOrDefault(pid => pid is not null);
    }
}
