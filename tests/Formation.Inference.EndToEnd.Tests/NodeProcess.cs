using System.Collections.Concurrent;
using System.Diagnostics;
using System.Globalization;

namespace Formation.Inference.EndToEnd.Tests;

/// <summary>A real node: <c>form node join</c> as a process of its own, with a data folder of its own.</summary>
sealed class NodeProcess : IAsyncDisposable
{
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(2);

    private readonly Process _process;
    private readonly ConcurrentQueue<string> _errors = new();
    private readonly TaskCompletionSource _online = new(TaskCreationOptions.RunContinuationsAsynchronously);

    private NodeProcess(Process process) => _process = process;

    public string Errors => string.Join('\n', _errors);

    /// <summary>The processes of its workers.</summary>
    public IReadOnlyList<int> Workers() =>
    [
        .. Directory.EnumerateDirectories("/proc").Select(Path.GetFileName).Select(name => int.TryParse(name, out var id) ? id : 0)
            .Where(id => id > 0 && ParentOf(id) == _process.Id),
    ];

    /// <summary>Ends its workers at once (SIGKILL), and leaves the agent alone.</summary>
    public void KillWorkers()
    {
        foreach (var id in Workers())
        {
            using var worker = Process.GetProcessById(id);
            worker.Kill();
        }
    }

    /// <summary>Starts a node and waits until it says that it is online.</summary>
    /// <param name="home">The user's home.</param>
    /// <param name="name">Its folder there.</param>
    /// <param name="arguments">Arguments after <c>node join</c>.</param>
    public static async Task<NodeProcess> StartAsync(string home, string name, params string[] arguments)
    {
        string[] memory = arguments.Contains("--memory") ? [] : ["--memory", "256MiB"];
        var start = FormProgram.Start(home, ["node", "join", "--data", Path.Combine(home, name), "--threads", "1", .. memory, .. arguments]);
        var node = new NodeProcess(Process.Start(start)!);
        node.Read();
        await node._online.Task.WaitAsync(Patience, TestContext.Current.CancellationToken);
        return node;
    }

    /// <summary>Ends the process at once (SIGKILL).</summary>
    public void Kill() => _process.Kill();

    /// <summary>Stops it and its workers without a word (SIGSTOP): nothing is closed, and nothing answers any more.</summary>
    public void Freeze()
    {
        foreach (var id in Workers())
            Signal("STOP", id);
        Signal("STOP");
    }

    /// <summary>Ends it and its workers at once (SIGKILL), frozen or not.</summary>
    public void KillAll()
    {
        foreach (var id in Workers())
            Signal("KILL", id);
        Signal("KILL");
    }

    /// <summary>Sends a signal by its name.</summary>
    public void Signal(string name) => Signal(name, _process.Id);

    /// <summary>Waits for the end and gives the exit code.</summary>
    public async Task<int> ExitAsync()
    {
        await _process.WaitForExitAsync(TestContext.Current.CancellationToken).WaitAsync(Patience);
        return _process.ExitCode;
    }

    public async ValueTask DisposeAsync()
    {
        if (!_process.HasExited)
        {
            _process.Kill();
            await _process.WaitForExitAsync();
        }
        _process.Dispose();
    }

    // The fourth word of /proc/N/stat, behind the name in parentheses; 0 where the process has gone meanwhile.
    private static int ParentOf(int id)
    {
        try
        {
            var stat = File.ReadAllText($"/proc/{id}/stat");
            return int.Parse(stat[(stat.LastIndexOf(')') + 2)..].Split(' ')[1], CultureInfo.InvariantCulture);
        }
        catch (Exception gone) when (gone is IOException or UnauthorizedAccessException)
        {
            return 0;
        }
    }

    private static void Signal(string name, int id)
    {
        using var kill = Process.Start("kill", [$"-{name}", id.ToString(CultureInfo.InvariantCulture)]);
        kill.WaitForExit();
    }

    private void Read()
    {
        _process.OutputDataReceived += (_, line) =>
        {
            if (line.Data is null)
                _online.TrySetException(new InvalidOperationException($"the node ended before it was online:\n{Errors}"));
            else if (line.Data.Contains(" is online at ", StringComparison.Ordinal))
                _online.TrySetResult();
        };
        _process.ErrorDataReceived += (_, line) => _errors.Enqueue(line.Data ?? "");
        _process.BeginErrorReadLine();
        _process.BeginOutputReadLine();
    }
}
