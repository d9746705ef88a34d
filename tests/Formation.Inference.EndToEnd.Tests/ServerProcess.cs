using System.Collections.Concurrent;
using System.Diagnostics;
using System.Net.Http.Headers;
using Formation.Inference.Testing.Models;

namespace Formation.Inference.EndToEnd.Tests;

/// <summary>A real server: <c>form inference serve</c> as a process of its own, on a free port, with a data folder of its own.</summary>
public sealed class ServerProcess : IAsyncDisposable
{
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(2);

    private readonly Process _process;
    private readonly ConcurrentQueue<string> _output = new();
    private readonly ConcurrentQueue<string> _errors = new();
    private readonly TaskCompletionSource<string> _ready = new(TaskCreationOptions.RunContinuationsAsynchronously);

    private ServerProcess(Process process) => _process = process;

    /// <summary>The address of the line <c>Ready on URL</c>.</summary>
    public string Url => _ready.Task.Result;

    /// <summary>All lines of standard output so far.</summary>
    public IReadOnlyCollection<string> Output => _output;

    /// <summary>All lines of standard error so far.</summary>
    public IReadOnlyCollection<string> Errors => _errors;

    public bool HasExited => _process.HasExited;

    public int ExitCode => _process.ExitCode;

    public int Id => _process.Id;

    /// <summary>Starts a server and waits until it is ready.</summary>
    /// <param name="home">The user's home: data and saved key go below it.</param>
    /// <param name="arguments">Arguments after <c>inference serve --urls ...</c>.</param>
    public static Task<ServerProcess> StartAsync(string home, params string[] arguments) =>
        StartAsync(home, new Dictionary<string, string>(), arguments);

    /// <summary>Starts a server with values in its environment, and waits until it is ready.</summary>
    public static async Task<ServerProcess> StartAsync(string home, IReadOnlyDictionary<string, string> environment, params string[] arguments)
    {
        var start = FormProgram.Start(home, ["inference", "serve", "--urls", "http://127.0.0.1:0", .. arguments]);
        foreach (var (name, value) in environment)
            start.Environment[name] = value;
        var server = new ServerProcess(Process.Start(start)!);
        server.Read();
        await server._ready.Task.WaitAsync(Patience, TestContext.Current.CancellationToken);
        return server;
    }

    /// <summary>A client that presents the key.</summary>
    public HttpClient Client(string? key)
    {
        var client = new HttpClient { BaseAddress = new Uri(Url), Timeout = Patience };
        if (key is not null)
            client.DefaultRequestHeaders.Authorization = new AuthenticationHeaderValue("Bearer", key);
        return client;
    }

    /// <summary>Asks the process to end in an orderly way (SIGTERM), and waits for it.</summary>
    public async Task<int> StopAsync()
    {
        if (!_process.HasExited)
            using (var kill = Process.Start("kill", ["-TERM", _process.Id.ToString(System.Globalization.CultureInfo.InvariantCulture)]))
                await kill.WaitForExitAsync();
        await _process.WaitForExitAsync(TestContext.Current.CancellationToken).WaitAsync(Patience);
        return _process.ExitCode;
    }

    /// <summary>Asks the process to end and does not wait.</summary>
    public void Terminate()
    {
        using var kill = Process.Start("kill", ["-TERM", _process.Id.ToString(System.Globalization.CultureInfo.InvariantCulture)]);
        kill.WaitForExit();
    }

    /// <summary>Ends the process at once (SIGKILL).</summary>
    public async Task KillAsync()
    {
        _process.Kill();
        await _process.WaitForExitAsync();
    }

    public async ValueTask DisposeAsync()
    {
        if (!_process.HasExited)
            await KillAsync();
        _process.Dispose();
    }

    private void Read()
    {
        _process.OutputDataReceived += (_, line) =>
        {
            if (line.Data is not { } text)
            {
                _ready.TrySetException(new InvalidOperationException($"the server ended before it was ready:\n{string.Join('\n', _errors)}"));
                return;
            }
            _output.Enqueue(text);
            if (text.StartsWith("Ready on ", StringComparison.Ordinal))
                _ready.TrySetResult(text["Ready on ".Length..].Trim());
        };
        _process.ErrorDataReceived += (_, line) => _errors.Enqueue(line.Data ?? "");
        _process.BeginErrorReadLine();
        _process.BeginOutputReadLine();
    }
}
