using System.Threading.Channels;
using Formation.Inference.Cluster.Nodes;
using Formation.Inference.Cluster.Nodes.Control;
using Formation.Inference.Cluster.Nodes.Control.Wire;
using Formation.Inference.Cluster.Workers;
using Formation.Inference.Node.Workers;
using Grpc.Core;

namespace Formation.Inference.Node.Agent;

/// <summary>One control stream of a node, from its registration to its end.</summary>
/// <param name="link">The gateway.</param>
/// <param name="report">What to say of this node now.</param>
/// <param name="workers">What runs here, or null.</param>
/// <param name="reportInterval">How often to look whether that has changed.</param>
/// <param name="clock">For heartbeats and leases.</param>
sealed class ControlSession(
    GatewayLink link, Func<NodeReport> report, WorkerSupervisor? workers, TimeSpan reportInterval, TimeProvider clock)
{
    private static readonly TimeSpan FirstHeartbeat = TimeSpan.FromMilliseconds(500);
    private static readonly TimeSpan LastAnswer = TimeSpan.FromSeconds(1);

    private readonly Channel<bool> _workersChanged = Channel.CreateBounded<bool>(new BoundedChannelOptions(1) { FullMode = BoundedChannelFullMode.DropWrite });
    private TimeSpan _heartbeat = FirstHeartbeat;
    private TimeSpan _lease = ControlLimits.Patience * 2;
    private long _heard;

    /// <summary>The gateway has taken the node in.</summary>
    public required Action<Welcome> Welcomed { get; init; }

    /// <summary>The gateway says something else than that it lives.</summary>
    public required Action<GatewayMessage> Received { get; init; }

    /// <summary>Runs until the stop is asked for, which says goodbye.</summary>
    /// <exception cref="NodeRefusedException">The gateway refuses this node, or has ended the connection with a reason.</exception>
    /// <exception cref="GatewayUnreachableException">The connection did not come about, broke, or fell silent.</exception>
    public async Task RunAsync(CancellationToken stop)
    {
        using var cut = new CancellationTokenSource();
        using var call = link.Client.Connect(cancellationToken: cut.Token);
        _heard = clock.GetTimestamp();
        var reading = ReadAsync(call.ResponseStream, cut.Token);
        var writing = WriteAsync(call.RequestStream, stop);
        var watching = WatchAsync(cut.Token);
        workers?.Changed += NoteWorkers;
        try
        {
            var first = await Task.WhenAny(reading, writing, watching);
            // A failed write says only that the call has ended; the reader knows how. After a goodbye, the gateway ends the call.
            if (first == writing)
                await Task.WhenAny(reading, Task.Delay(LastAnswer, clock, CancellationToken.None));
            if (writing.IsCompletedSuccessfully)
                return;
            await (reading.IsCompleted ? reading : first);
            throw new GatewayUnreachableException($"The gateway at {link.Url} ended the connection.");
        }
        catch (RpcException error)
        {
            throw link.Explain(error);
        }
        finally
        {
            workers?.Changed -= NoteWorkers;
            cut.Cancel();
            foreach (var task in (Task[])[reading, writing, watching])
                _ = task.ContinueWith(ended => ended.Exception, TaskScheduler.Default);
        }
    }

    private async Task ReadAsync(IAsyncStreamReader<GatewayMessage> messages, CancellationToken cut)
    {
        while (await messages.MoveNext(cut))
        {
            Volatile.Write(ref _heard, clock.GetTimestamp());
            var message = messages.Current;
            switch (message.KindCase)
            {
                case GatewayMessage.KindOneofCase.Welcome:
                    _heartbeat = GatewayMessages.HeartbeatOf(message.Welcome);
                    _lease = GatewayMessages.LeaseOf(message.Welcome);
                    Welcomed(message.Welcome);
                    break;
                case GatewayMessage.KindOneofCase.Removed:
                    throw new NodeRefusedException(new Refusal(RefusalReason.Removed, WireText.Plain(message.Removed.Reason)));
                case GatewayMessage.KindOneofCase.Heartbeat:
                    break;
                default:
                    Received(message);
                    break;
            }
        }
    }

    private async Task WriteAsync(IClientStreamWriter<NodeMessage> messages, CancellationToken stop)
    {
        var said = ReportMapping.ToWire(report());
        await messages.WriteAsync(new NodeMessage { Register = new Register { Protocol = ControlLimits.Protocol, Report = said } }, CancellationToken.None);
        NoteWorkers();
        var looked = clock.GetTimestamp();
        using var timer = new PeriodicTimer(FirstHeartbeat, clock);
        try
        {
            var tick = timer.WaitForNextTickAsync(stop).AsTask();
            var change = _workersChanged.Reader.ReadAsync(stop).AsTask();
            var saidOfWorkers = new WorkerReports();
            while (true)
            {
                // What a worker does is told at once: others wait for it.
                if (await Task.WhenAny(change, tick) == change)
                {
                    await change;
                    change = _workersChanged.Reader.ReadAsync(stop).AsTask();
                    var reports = WorkerReportMapping.ToWire(workers?.Reports() ?? []);
                    if (!reports.Equals(saidOfWorkers))
                        await messages.WriteAsync(ControlMessages.Workers(saidOfWorkers = reports), CancellationToken.None);
                    continue;
                }
                await tick;
                timer.Period = _heartbeat;
                tick = timer.WaitForNextTickAsync(stop).AsTask();
                await messages.WriteAsync(ControlMessages.NodeHeartbeat(), CancellationToken.None);
                if (clock.GetElapsedTime(looked) < reportInterval)
                    continue;
                looked = clock.GetTimestamp();
                var now = ReportMapping.ToWire(report());
                if (!now.Equals(said))
                    await messages.WriteAsync(ControlMessages.Report(said = now), CancellationToken.None);
            }
        }
        catch (OperationCanceledException) when (stop.IsCancellationRequested)
        {
            await messages.WriteAsync(ControlMessages.Goodbye("its operator stopped it"), CancellationToken.None);
            await messages.CompleteAsync();
        }
    }

    private void NoteWorkers() => _workersChanged.Writer.TryWrite(true);

    private async Task WatchAsync(CancellationToken cut)
    {
        using var timer = new PeriodicTimer(FirstHeartbeat / 2, clock);
        while (await timer.WaitForNextTickAsync(cut))
        {
            var silence = clock.GetElapsedTime(Volatile.Read(ref _heard));
            if (silence > _lease)
                throw new GatewayUnreachableException(FormattableString.Invariant($"The gateway at {link.Url} was silent for {silence.TotalSeconds:0.0} s."));
        }
    }
}
