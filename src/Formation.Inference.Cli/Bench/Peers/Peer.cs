using System.Globalization;
using System.Runtime.InteropServices;

namespace Formation.Inference.Cli.Bench.Peers;

/// <summary>llama.cpp in a process of its own, with a model loaded and waiting for tests.</summary>
sealed class Peer : IAsyncDisposable
{
    private readonly ChildProcess _process;
    private readonly PeerSession _session;

    private Peer(ChildProcess process, PeerSession session)
    {
        _process = process;
        _session = session;
    }

    /// <summary>What runs, and the memory that it has by now.</summary>
    public PeerReport Report =>
        new(_session.Greeting.Engine, _session.Greeting.Package, _session.Greeting.Kernels, _process.ResidentBytes);

    /// <summary>Installs the peer where it is not there yet.</summary>
    /// <exception cref="CommandException">It can't run here; the message says why.</exception>
    public static async Task<PeerInstallation> InstallAsync(Action<string> note, CancellationToken cancellationToken)
    {
        if (RuntimeInformation.ProcessArchitecture != Architecture.X64)
            throw new CommandException(
                ExitCode.Failed, $"benchmarks/peers installs the peer for x64, and this is {RuntimeInformation.ProcessArchitecture}; measure without --peers.");
        var installation = new PeerInstallation(PeerInstallation.FindFolder(), ProgramOutcome.OfAsync);
        await installation.EnsureAsync(note, cancellationToken);
        return installation;
    }

    /// <summary>Starts the peer and waits until it has loaded the model.</summary>
    /// <exception cref="CommandException">It failed; the message has what it said.</exception>
    public static async Task<Peer> StartAsync(PeerInstallation installation, string model, int threads, CancellationToken cancellationToken)
    {
        string[] arguments = [installation.Program, Path.GetFullPath(model), threads.ToString(CultureInfo.InvariantCulture)];
        var process = ChildProcess.Start("node", arguments);
        try
        {
            return new Peer(process, await PeerSession.OpenAsync(process.Output, process.Input, cancellationToken));
        }
        catch (PeerException error)
        {
            await using (process)
                throw await FailureAsync(error, process);
        }
        catch
        {
            await process.KillAsync();
            await process.DisposeAsync();
            throw;
        }
    }

    /// <summary>Runs a test once. Returns tokens per second, all sequences together.</summary>
    /// <exception cref="CommandException">The peer failed.</exception>
    public async Task<double> MeasureAsync(BenchTest test, CancellationToken cancellationToken)
    {
        try
        {
            return await _session.MeasureAsync(test, cancellationToken);
        }
        catch (PeerException error)
        {
            throw await FailureAsync(error, _process);
        }
    }

    public ValueTask DisposeAsync() => _process.DisposeAsync();

    private static async Task<CommandException> FailureAsync(PeerException error, ChildProcess process)
    {
        await process.KillAsync();
        return new CommandException(ExitCode.Failed, $"The peer failed: {error.Message}{process.LastErrors()}");
    }
}
