using System.Globalization;
using System.Text.Json.Nodes;

namespace Formation.Inference.Cli.Bench.Peers;

/// <summary>
/// The folder <c>benchmarks/peers</c>: what the engine is compared with, by exact versions, and the program that measures it. npm installs
/// into it on first use.
/// </summary>
/// <param name="folder">The folder.</param>
/// <param name="run">Runs programs.</param>
sealed class PeerInstallation(string folder, RunProgram run)
{
    private const int OldestNode = 18;

    private const string NodeNeeded = "--peers runs llama.cpp under Node.js 18 or later, with npm";

    // Only binaries for this system are among the dependencies; those for all others are optional, and no script has to run.
    private static readonly string[] Install = ["ci", "--ignore-scripts", "--omit=optional", "--no-audit", "--no-fund"];

    /// <summary>The program that measures the peer.</summary>
    public string Program => Path.Combine(folder, "llama-cpp.mjs");

    /// <summary>The folder in the repository that this program was built in.</summary>
    /// <exception cref="CommandException">It was copied out of its repository.</exception>
    public static string FindFolder()
    {
        for (var parent = new DirectoryInfo(AppContext.BaseDirectory); parent is not null; parent = parent.Parent)
        {
            var candidate = Path.Combine(parent.FullName, "benchmarks", "peers");
            if (File.Exists(Path.Combine(candidate, "package.json")))
                return candidate;
        }
        throw new CommandException(
            ExitCode.NotFound, $"--peers needs the repository's folder benchmarks/peers, and none is above {AppContext.BaseDirectory}; run ./form in the repository.");
    }

    /// <summary>Checks Node.js and installs the peer where its versions are not there yet.</summary>
    /// <param name="note">Told what takes time.</param>
    /// <exception cref="CommandException">Node.js or npm is missing or too old, or the installation failed.</exception>
    public async Task EnsureAsync(Action<string> note, CancellationToken cancellationToken)
    {
        await RequireNodeAsync(cancellationToken);
        if (IsInstalled())
            return;
        note($"Installing the peer into {folder} with npm ...");
        var outcome = await run("npm", Install, folder, cancellationToken)
            ?? throw new CommandException(ExitCode.Failed, $"{NodeNeeded}, and there is no 'npm' on the PATH (Debian: apt-get install npm).");
        if (outcome.ExitCode != 0 || !IsInstalled())
            throw new CommandException(
                ExitCode.Failed, $"npm could not install the peer in {folder} (exit code {outcome.ExitCode}):\n{LastLines(outcome.Output)}");
    }

    private async Task RequireNodeAsync(CancellationToken cancellationToken)
    {
        var outcome = await run("node", ["--version"], folder, cancellationToken)
            ?? throw new CommandException(ExitCode.Failed, $"{NodeNeeded}, and there is no 'node' on the PATH (Debian: apt-get install nodejs npm).");
        var version = outcome.Output.Trim();
        var major = version.TrimStart('v').Split('.')[0];
        if (!int.TryParse(major, NumberStyles.None, CultureInfo.InvariantCulture, out var number) || number < OldestNode)
            throw new CommandException(ExitCode.Failed, $"{NodeNeeded}, and 'node --version' says '{version}'.");
    }

    // Every package of package.json, in its exact version.
    private bool IsInstalled() =>
        Read(Path.Combine(folder, "package.json"))?["dependencies"] is JsonObject wanted
        && wanted.All(package =>
            Read(Path.Combine(folder, "node_modules", package.Key, "package.json"))?["version"]?.ToString() == package.Value?.ToString());

    private static JsonNode? Read(string path) => File.Exists(path) ? JsonNode.Parse(File.ReadAllText(path)) : null;

    private static string LastLines(string output) =>
        string.Join('\n', output.Split('\n', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries).TakeLast(8));
}
