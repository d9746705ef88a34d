using System.Text.Json;
using Formation.Inference.Cluster.Identity;
using Formation.Inference.Cluster.Workers;

namespace Formation.Inference.Node.Workers.Hosting;

/// <summary>What this worker says of itself, written to its agent whenever it changes. Safe to use from any thread.</summary>
/// <param name="id">The worker.</param>
/// <param name="pin">Its key.</param>
/// <param name="output">The agent reads it.</param>
sealed class StatusWriter(string id, KeyPin pin, TextWriter output) : IProgress<double>
{
    private readonly Lock _lock = new();
    private WorkerReport _report = new(id, WorkerState.Starting) { Pin = pin };
    private int _port;
    private bool _isOpen;
    private double _toldProgress;

    /// <summary>How far it is.</summary>
    public WorkerState State
    {
        get
        {
            lock (_lock)
                return _report.State;
        }
    }

    /// <summary>Changes what is said.</summary>
    public void Say(Func<WorkerReport, WorkerReport> change)
    {
        lock (_lock)
        {
            _report = change(_report);
            Write();
        }
    }

    /// <summary>The same, where it makes a difference.</summary>
    public void SayIfNew(Func<WorkerReport, WorkerReport> change)
    {
        lock (_lock)
        {
            var next = change(_report);
            if (next.Figures == _report.Figures && next.Work == _report.Work && next.Links.SequenceEqual(_report.Links))
                return;
            _report = next;
            Write();
        }
    }

    /// <summary>Notes another state.</summary>
    public void Become(WorkerState state, string reason = "") => Say(report => report with { State = state, Reason = reason, Progress = 0 });

    /// <summary>Notes that it lets others in from here on.</summary>
    /// <param name="port">Where it listens, or 0 where it is reached through relays alone.</param>
    public void Open(int port)
    {
        lock (_lock)
        {
            (_port, _isOpen) = (port, true);
            Write();
        }
    }

    /// <summary>Notes the share of the weights that is loaded; small steps are not worth a line.</summary>
    public void Report(double value)
    {
        lock (_lock)
        {
            if (value - _toldProgress < 0.02 && value < 1)
                return;
            _toldProgress = value;
            _report = _report with { Progress = Math.Clamp(value, 0, 1) };
            Write();
        }
    }

    private void Write()
    {
        output.WriteLine(JsonSerializer.Serialize(new WorkerUpdate(_report, _port, _isOpen), WorkerPipeJson.Default.WorkerUpdate));
        output.Flush();
    }
}
