using System.Diagnostics;
using System.Text;
using System.Text.Json;

namespace Formation.Inference.Node.Workers;

/// <summary>
/// A worker's process as its agent sees it: commands go to its standard input, updates come from its standard output, what it complains of from
/// its standard error. A crash ends this process and no other.
/// </summary>
sealed class WorkerProcess : IAsyncDisposable
{
    private const int LongestLine = 1 << 20;
    private const int RememberedComplaint = 300;

    private readonly Process _process;
    private readonly TimeSpan _grace;
    private readonly Lock _writing = new();
    private readonly Task _reading;
    private readonly Task _complaining;
    private string _complaint = "";

    private WorkerProcess(Process process, TimeSpan grace, Action<WorkerUpdate> updated, Action<string> progress)
    {
        (_process, _grace) = (process, grace);
        _reading = Task.Run(() => ReadAsync(updated));
        _complaining = Task.Run(() => ComplainAsync(progress));
        Ended = EndAsync();
    }

    /// <summary>Ends with the process; says how that was, in words.</summary>
    public Task<string> Ended { get; }

    /// <summary>Its id in this machine.</summary>
    public int Id => _process.Id;

    /// <param name="start">What to start.</param>
    /// <param name="grace">How long it may take to end by itself.</param>
    /// <param name="updated">Told what it says of itself.</param>
    /// <param name="progress">Told what it complains of.</param>
    /// <exception cref="IOException">It can't be started.</exception>
    public static WorkerProcess Start(ProcessStartInfo start, TimeSpan grace, Action<WorkerUpdate> updated, Action<string> progress)
    {
        (start.RedirectStandardInput, start.RedirectStandardOutput, start.RedirectStandardError) = (true, true, true);
        start.StandardInputEncoding = start.StandardOutputEncoding = start.StandardErrorEncoding = new UTF8Encoding(false);
        try
        {
            return new WorkerProcess(Process.Start(start)!, grace, updated, progress);
        }
        catch (System.ComponentModel.Win32Exception error)
        {
            throw new IOException($"its process can't be started: {error.Message}", error);
        }
    }

    /// <summary>Says something to it. A process that has ended does not hear it, and that is seen elsewhere.</summary>
    public void Say(WorkerCommand command)
    {
        lock (_writing)
        {
            try
            {
                _process.StandardInput.WriteLine(JsonSerializer.Serialize(command, WorkerPipeJson.Default.WorkerCommand));
                _process.StandardInput.Flush();
            }
            catch (Exception ended) when (ended is IOException or ObjectDisposedException or InvalidOperationException)
            {
            }
        }
    }

    /// <summary>Ends it: by the end of its input, and by force where that does not help.</summary>
    public async ValueTask DisposeAsync()
    {
        lock (_writing)
        {
            try
            {
                _process.StandardInput.Close();
            }
            catch (Exception ended) when (ended is IOException or InvalidOperationException)
            {
            }
        }
        if (await Task.WhenAny(Ended, Task.Delay(_grace)) != Ended)
            Kill();
        await Ended;
        _process.Dispose();
    }

    private void Kill()
    {
        try
        {
            _process.Kill(entireProcessTree: true);
        }
        catch (InvalidOperationException)
        {
        }
    }

    private async Task ReadAsync(Action<WorkerUpdate> updated)
    {
        try
        {
            while (await _process.StandardOutput.ReadLineAsync() is { } line)
                if (line.Length <= LongestLine && JsonSerializer.Deserialize(line, WorkerPipeJson.Default.WorkerUpdate) is { } update)
                    updated(update);
        }
        // Something else speaks there than a worker of this version: it is no good.
        catch (JsonException)
        {
            Kill();
        }
        catch (IOException)
        {
        }
    }

    private async Task ComplainAsync(Action<string> progress)
    {
        try
        {
            while (await _process.StandardError.ReadLineAsync() is { } line)
            {
                _complaint = line.Length <= RememberedComplaint ? line : line[..RememberedComplaint];
                progress(_complaint);
            }
        }
        catch (IOException)
        {
        }
    }

    private async Task<string> EndAsync()
    {
        await _process.WaitForExitAsync();
        await Task.WhenAll(_reading, _complaining);
        // Above 128 it is the number of a signal.
        var how = _process.ExitCode > 128 ? $"its process was ended by signal {_process.ExitCode - 128}" : $"its process ended with {_process.ExitCode}";
        return _complaint.Length > 0 ? $"{how} ({_complaint})" : how;
    }
}
