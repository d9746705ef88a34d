using System.ComponentModel;
using System.Diagnostics;

namespace Formation.Inference.Cli.Bench;

/// <summary>A program that runs beside this one for a while, and never outlives it in good order.</summary>
sealed class ChildProcess : IAsyncDisposable
{
    private const int KeptErrorLines = 8;

    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(10);

    private readonly Process _process;
    private readonly Queue<string> _errors = [];
    private readonly Lock _gate = new();

    private ChildProcess(Process process) => _process = process;

    /// <summary>Its standard output.</summary>
    public StreamReader Output => _process.StandardOutput;

    /// <summary>Its standard input.</summary>
    public StreamWriter Input => _process.StandardInput;

    /// <summary>Its resident memory now.</summary>
    public long ResidentBytes
    {
        get
        {
            _process.Refresh();
            return _process.WorkingSet64;
        }
    }

    /// <summary>Starts a program with its three streams in our hands.</summary>
    /// <exception cref="CommandException">There is no such program.</exception>
    public static ChildProcess Start(string program, IEnumerable<string> arguments, IReadOnlyDictionary<string, string>? environment = null)
    {
        var start = new ProcessStartInfo(program, arguments)
        {
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        foreach (var (name, value) in environment ?? new Dictionary<string, string>())
            start.Environment[name] = value;
        try
        {
            var child = new ChildProcess(Process.Start(start)!);
            child._process.ErrorDataReceived += (_, line) => child.Keep(line.Data);
            child._process.BeginErrorReadLine();
            return child;
        }
        catch (Win32Exception error)
        {
            throw new CommandException(ExitCode.Failed, $"'{program}' can't be started: {error.Message}");
        }
    }

    /// <summary>The last lines that it wrote to standard error, each on a line of its own behind a line break.</summary>
    public string LastErrors()
    {
        lock (_gate)
            return string.Concat(_errors.Select(line => "\n" + line));
    }

    /// <summary>Ends it at once, where it did not end by itself, and waits for its last words.</summary>
    public async Task KillAsync()
    {
        _process.Kill(entireProcessTree: true);
        await _process.WaitForExitAsync();
    }

    /// <summary>Closes its input, which asks it to end, and ends it where it doesn't.</summary>
    public async ValueTask DisposeAsync()
    {
        try
        {
            _process.StandardInput.Close();
            await _process.WaitForExitAsync().WaitAsync(Patience);
        }
        catch (Exception error) when (error is IOException or TimeoutException)
        {
            await KillAsync();
        }
        _process.Dispose();
    }

    private void Keep(string? line)
    {
        if (string.IsNullOrWhiteSpace(line))
            return;
        lock (_gate)
        {
            _errors.Enqueue(line);
            if (_errors.Count > KeptErrorLines)
                _errors.Dequeue();
        }
    }
}
