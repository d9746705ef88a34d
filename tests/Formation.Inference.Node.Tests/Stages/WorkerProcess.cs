using System.Diagnostics;
using System.Globalization;
using Formation.Inference.Engine.Stages;
using Formation.Inference.Node.Stages.Chain;
using Formation.Inference.Node.Stages.Transports;

namespace Formation.Inference.Node.Tests.Stages;

/// <summary>A stage in a process of its own.</summary>
internal sealed class WorkerProcess : IDisposable
{
    readonly Process _process;

    WorkerProcess(Process process, StageEndpoint endpoint) => (_process, Endpoint) = (process, endpoint);

    public StageEndpoint Endpoint { get; }

    /// <summary>Starts a worker and waits until it listens.</summary>
    public static async Task<WorkerProcess> StartAsync(string model, LayerRange layers, string socket, int blocks, int rows)
    {
        var start = new ProcessStartInfo("dotnet") { RedirectStandardInput = true, RedirectStandardOutput = true };
        string[] arguments =
        [
            Path.Combine(AppContext.BaseDirectory, "Formation.Inference.StageWorker.dll"), model, .. Numbers(layers.First, layers.Count), socket,
            .. Numbers(blocks, rows),
        ];
        foreach (var argument in arguments)
            start.ArgumentList.Add(argument);
        var process = Process.Start(start)!;
        var line = await process.StandardOutput.ReadLineAsync().WaitAsync(TimeSpan.FromMinutes(1));
        Assert.Equal("ready", line);
        return new WorkerProcess(process, new StageEndpoint($"{layers} of {process.Id}", layers, $"unix:{socket}", PeerIdentity.SameHost));
    }

    /// <summary>SIGKILL: it has no time for anything.</summary>
    public void Kill() => _process.Kill();

    public void Dispose()
    {
        if (!_process.HasExited)
            _process.Kill();
        _process.WaitForExit();
        _process.Dispose();
    }

    static IEnumerable<string> Numbers(params int[] numbers) => numbers.Select(number => number.ToString(CultureInfo.InvariantCulture));
}

/// <summary>Hands out each of its stages once, the first that fits.</summary>
internal sealed class ListedStages(IEnumerable<StageEndpoint> stages) : IStageProvider
{
    readonly List<StageEndpoint> _idle = [.. stages];

    public ValueTask<IReadOnlyList<StageEndpoint>> ProvideAsync(
        LayerRange layers, IReadOnlyList<LostStage> lost, CancellationToken cancellationToken)
    {
        var found = new List<StageEndpoint>();
        lock (_idle)
        {
            for (var next = layers.First; next < layers.End; next = found[^1].Layers.End)
            {
                if (_idle.Find(idle => idle.Layers.First == next && idle.Layers.End <= layers.End) is not { } stage)
                    return ValueTask.FromResult<IReadOnlyList<StageEndpoint>>([]);
                _idle.Remove(stage);
                found.Add(stage);
            }
        }
        return ValueTask.FromResult<IReadOnlyList<StageEndpoint>>(found);
    }
}
