using System.Net;
using Formation.Inference.Cluster.Nodes;
using Formation.Inference.Cluster.Nodes.Control;
using Formation.Inference.Cluster.Workers;
using Formation.Inference.Engine.Gguf;
using Formation.Inference.Node.Relays;

namespace Formation.Inference.Node.Workers;

/// <summary>One order as it is carried out: its weights come, its process runs, and what it says of itself is kept. Safe to use from any thread.</summary>
sealed class Worker : IAsyncDisposable
{
    private readonly Lock _lock = new();
    private readonly CancellationTokenSource _stop = new();
    private readonly WorkerSupervisorOptions _options;
    private readonly IPEndPoint? _endpoint;
    private readonly Func<WorkerWays> _ways;
    private readonly Action _changed;
    private readonly Task _running;
    private WorkerOrder _order;
    private WorkerReport _report;
    private WorkerProcess? _process;
    private string? _path;
    private bool _isOpen;

    /// <param name="order">What is wanted.</param>
    /// <param name="endpoint">Where to listen, or null where nobody can dial this machine.</param>
    /// <param name="options">What it runs with.</param>
    /// <param name="ways">Its ways through gateways; asked anew each time.</param>
    /// <param name="changed">Called after each change of <see cref="Report"/>.</param>
    public Worker(WorkerOrder order, IPEndPoint? endpoint, WorkerSupervisorOptions options, Func<WorkerWays> ways, Action changed)
    {
        (_order, _endpoint, _options, _ways, _changed) = (order, endpoint, options, ways, changed);
        _report = new WorkerReport(order.Id, WorkerState.Fetching);
        _running = Task.Run(RunAsync);
    }

    /// <summary>The port that it was given, or 0.</summary>
    public int Port => _endpoint?.Port ?? 0;

    /// <summary>What is said of it to the gateway.</summary>
    public WorkerReport Report
    {
        get
        {
            lock (_lock)
                return _isOpen
                    ? _report with { Addresses = [.. _report.Addresses.Concat(_ways().Holding.Select(PeerAddress.Relay)).Take(ControlLimits.Addresses)] }
                    : _report;
        }
    }

    /// <summary>Takes a newer order for the same worker.</summary>
    public void Follow(WorkerOrder order)
    {
        lock (_lock)
        {
            _order = order;
            if (_process is not null)
                _process.Say(Command());
        }
    }

    /// <summary>Tells it that the gateways that relay are others now.</summary>
    public void Follow()
    {
        lock (_lock)
            _process?.Say(Command());
    }

    /// <summary>Has it call back.</summary>
    public void Answer(RelayCall call)
    {
        lock (_lock)
            _process?.Say(Command() with { Call = call });
    }

    public async ValueTask DisposeAsync()
    {
        _stop.Cancel();
        await _running;
        _stop.Dispose();
    }

    private async Task RunAsync()
    {
        try
        {
            using var weights = await _options.Fetch(_order, new FetchProgress(this), _stop.Token);
            _path = weights.Path;
            Change(report => report with { State = WorkerState.Starting, Progress = 0 });
            await using var process = WorkerProcess.Start(_options.Process(), _options.Grace, Take, line => _options.Progress($"worker {_report.Id[..8]}: {line}"));
            lock (_lock)
            {
                _process = process;
                process.Say(Command());
            }
            var ended = await Task.WhenAny(process.Ended, Task.Delay(Timeout.Infinite, _stop.Token)) == process.Ended;
            lock (_lock)
                _process = null;
            // What it said last tells more than how it ended.
            if (ended && Report.State != WorkerState.Failed)
                Fail(await process.Ended);
        }
        catch (OperationCanceledException) when (_stop.IsCancellationRequested)
        {
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException or InvalidDataException or GgufException)
        {
            Fail(error.Message);
        }
    }

    private WorkerCommand Command() =>
        new(_order, _path!, _options.Threads, _endpoint?.Address.ToString() ?? "", Port) { Gateways = _ways().Gateways };

    private void Fail(string reason)
    {
        Change(report =>
        {
            _isOpen = false;
            return report with { State = WorkerState.Failed, Reason = reason, Addresses = [] };
        });
        _options.Progress($"worker {_report.Id[..8]} of {_order.ModelId} failed: {reason}");
    }

    private void Take(WorkerUpdate update) => Change(report =>
    {
        _isOpen = update.IsOpen;
        return update.Report with
        {
            Id = report.Id,
            FetchedBytes = report.FetchedBytes,
            Addresses = update.Port > 0 && _endpoint is { } endpoint ? _options.Addresses(new IPEndPoint(endpoint.Address, update.Port)) : [],
        };
    });

    private void Change(Func<WorkerReport, WorkerReport> change)
    {
        lock (_lock)
            _report = change(_report);
        _changed();
    }

    private sealed class FetchProgress(Worker worker) : IProgress<WeightsProgress>
    {
        public void Report(WeightsProgress value) => worker.Change(
            report => report with { Progress = Math.Clamp(value.Share, 0, 1), FetchedBytes = value.ReceivedBytes });
    }
}
