using System.Globalization;
using System.Security.Cryptography;
using Formation.Inference.Cli.Client;
using Formation.Inference.Cli.Hosting;

namespace Formation.Inference.Cli.Bench.Http;

/// <summary>A server of this program's own, for the time of a measurement: a free port, a new key, nothing left behind.</summary>
sealed class BenchServer : IAsyncDisposable
{
    private const string Ready = "Ready on ";

    private readonly ChildProcess _process;
    private readonly string _folder;

    private BenchServer(ChildProcess process, string folder, ServerAddress address)
    {
        _process = process;
        _folder = folder;
        Address = address;
    }

    /// <summary>The id under which it serves the model.</summary>
    /// <remarks>The one that a server loads before it says that it is ready.</remarks>
    public const string Model = ModelSources.DefaultModelId;

    /// <summary>Where it listens, with its key.</summary>
    public ServerAddress Address { get; }

    /// <summary>Starts a server and waits until it is ready.</summary>
    /// <param name="model">The GGUF file.</param>
    /// <param name="threads">Threads that compute.</param>
    /// <param name="streams">Streams that run at once.</param>
    /// <exception cref="CommandException">It did not become ready; the message has what it said.</exception>
    public static async Task<BenchServer> StartAsync(string model, int threads, int streams, CancellationToken cancellationToken)
    {
        var folder = Directory.CreateTempSubdirectory("form-bench-").FullName;
        var key = RandomNumberGenerator.GetHexString(64, lowercase: true);
        var environment = new Dictionary<string, string>
        {
            ["FORMATION_API_KEY"] = key,
            // A first start saves its key for the user's commands: this one's is for nobody.
            ["XDG_CONFIG_HOME"] = folder,
        };
        string[] arguments = [.. ThisProgram(), .. Arguments(model, folder, threads, streams)];
        var process = ChildProcess.Start(Environment.ProcessPath!, arguments, environment);
        try
        {
            var url = await UrlAsync(process, cancellationToken);
            return new BenchServer(process, folder, new ServerAddress(ServerAddress.ParseUrl(url), key));
        }
        catch
        {
            await process.KillAsync();
            await process.DisposeAsync();
            Directory.Delete(folder, recursive: true);
            throw;
        }
    }

    public async ValueTask DisposeAsync()
    {
        await _process.KillAsync();
        await _process.DisposeAsync();
        Directory.Delete(_folder, recursive: true);
    }

    // 'dotnet form.dll' runs the framework's program with ours as its first argument.
    private static string[] ThisProgram() =>
        Path.GetFileNameWithoutExtension(Environment.ProcessPath) == "dotnet" ? [Environment.GetCommandLineArgs()[0]] : [];

    private static string[] Arguments(string model, string folder, int threads, int streams) =>
    [
        "inference", "serve", "--model", $"{Model}={Path.GetFullPath(model)}", "--urls", "http://127.0.0.1:0", "--data", folder,
        // Guesses save steps, and by how many depends on the text: what is measured is a step.
        "--speculative", "off",
        "--threads", threads.ToString(CultureInfo.InvariantCulture), "--parallel", streams.ToString(CultureInfo.InvariantCulture),
    ];

    private static async Task<string> UrlAsync(ChildProcess process, CancellationToken cancellationToken)
    {
        while (await process.Output.ReadLineAsync(cancellationToken) is { } line)
            if (line.StartsWith(Ready, StringComparison.Ordinal))
                return line[Ready.Length..].Trim();
        await process.KillAsync();
        throw new CommandException(ExitCode.Failed, $"The server to measure did not start:{process.LastErrors()}");
    }
}
