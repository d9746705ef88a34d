using System.Text;
using System.Text.Json;
using Formation.Inference.Cluster.Placement;
using Formation.Inference.Cluster.Workers;
using Formation.Inference.Node.Relays;
using Formation.Inference.Node.Tests.Relays;
using Formation.Inference.Node.Workers;
using Formation.Inference.Node.Workers.Hosting;
using Microsoft.Extensions.Logging.Abstractions;

namespace Formation.Inference.Node.Tests.Workers;

/// <summary>What runs in a worker's process, in this one: a test says what an agent says, and reads what the agent reads.</summary>
sealed class HostedWorker : IAsyncDisposable
{
    private readonly Lines _input = new();
    private readonly Updates _output = new();
    private readonly string _path;
    private readonly TestRelay? _relay;
    private readonly Task<int> _running;

    /// <param name="order">Its first order.</param>
    /// <param name="path">The model's file.</param>
    /// <param name="relay">Where it is reached, in the place of a port; or null.</param>
    public HostedWorker(WorkerOrder order, string path, TestRelay? relay = null)
    {
        (_path, _relay) = (path, relay);
        Order = order;
        Say(order);
        _running = Task.Run(() => WorkerHost.RunAsync(_input, _output, TimeProvider.System, NullLoggerFactory.Instance));
    }

    public WorkerOrder Order { get; private set; }

    /// <summary>What it said last.</summary>
    public WorkerUpdate Last => _output.Last ?? new WorkerUpdate(new WorkerReport(Order.Id, WorkerState.Starting), 0);

    public WorkerReport Report => Last.Report;

    /// <summary>Where it is reached.</summary>
    public WorkerEndpoint Endpoint => new(Order.Id, "node", Order.Layers, Report.Pin!, [_relay?.Address ?? $"127.0.0.1:{Last.Port}"]);

    public void Say(WorkerOrder order)
    {
        Order = order;
        Say(Command);
    }

    /// <summary>Has it call back to the relay.</summary>
    public void Answer(RelayCall call) => Say(Command with { Call = call });

    private WorkerCommand Command => new(Order, _path, 1, _relay is null ? "127.0.0.1" : "", 0) { Gateways = _relay is null ? [] : [_relay.AsGateway] };

    private void Say(WorkerCommand command) => _input.Add(JsonSerializer.Serialize(command, WorkerPipeJson.Default.WorkerCommand));

    /// <summary>Says what is true of the whole replica now: who may connect, and which stages are ready.</summary>
    public static void Introduce(HostedWorker head, params HostedWorker[] stages)
    {
        foreach (var stage in stages)
            stage.Say(stage.Order with
            {
                Heads = [head.Report.Pin!],
                Callers = [head.Report.Pin!, .. stages.Where(other => other != stage).Select(other => other.Report.Pin!)],
            });
        head.Say(head.Order with { Chain = [.. stages.Where(stage => stage.Report.State == WorkerState.Ready).Select(stage => stage.Endpoint)] });
    }

    public static WorkerOrder Head(LayerSpan layers) => WorkerOrders.Stage() with { Role = WorkerRole.Head, Layers = layers };

    public static WorkerOrder Stage(LayerSpan layers) => WorkerOrders.Stage() with { Layers = layers };

    /// <summary>Ends the input, and gives the exit code.</summary>
    public async Task<int> EndAsync()
    {
        _input.Complete();
        return await _running;
    }

    public async ValueTask DisposeAsync() => await EndAsync();

    private sealed class Lines : TextReader
    {
        private readonly System.Threading.Channels.Channel<string> _lines = System.Threading.Channels.Channel.CreateUnbounded<string>();

        public void Add(string line) => _lines.Writer.TryWrite(line);

        public void Complete() => _lines.Writer.TryComplete();

        public override async Task<string?> ReadLineAsync() => await _lines.Reader.WaitToReadAsync() ? await _lines.Reader.ReadAsync() : null;
    }

    private sealed class Updates : TextWriter
    {
        private volatile WorkerUpdate? _last;

        public WorkerUpdate? Last => _last;

        public override Encoding Encoding => Encoding.UTF8;

        public override void WriteLine(string? value) => _last = JsonSerializer.Deserialize(value!, WorkerPipeJson.Default.WorkerUpdate);
    }
}
