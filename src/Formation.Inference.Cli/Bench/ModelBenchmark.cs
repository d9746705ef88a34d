using Formation.Inference.Cli.Bench.Http;
using Formation.Inference.Cli.Bench.Peers;
using Formation.Inference.Cli.Client;
using Formation.Inference.Cli.Models;
using Formation.Inference.Engine.Devices;
using Formation.Inference.Engine.Gguf;
using Formation.Inference.Engine.Models;
using Formation.Inference.Kernels.Dispatch;
using Formation.Inference.Kernels.Machine;

namespace Formation.Inference.Cli.Bench;

/// <summary>Measures one model file: in process, and where asked for in turns with a peer and over HTTP.</summary>
/// <param name="context">The command's surroundings.</param>
/// <param name="plan">What is measured.</param>
/// <param name="threads">Threads that compute, of each engine.</param>
/// <param name="peer">The peer to compare with, or null.</param>
/// <param name="overHttp">Whether a server of this program is measured too.</param>
sealed class ModelBenchmark(CommandContext context, BenchPlan plan, int threads, PeerInstallation? peer, bool overHttp)
{
    private readonly ReadBandwidth _bandwidth = new(threads, context.Time);

    /// <exception cref="CommandException">The model can't be measured; the message says why.</exception>
    public async Task<BenchReport> RunAsync(string path, CancellationToken cancellationToken)
    {
        using var file = ModelFile.Open(path);
        using var device = new CpuDevice(threads);
        using var model = ModelFile.Load(context.Output, file, device, cancellationToken);
        RequireRoom(model.Config);
        using var engine = new EngineBenchmark(model, plan.Tests, context.Time);
        await using var opponent = peer is null ? null : await Peer.StartAsync(peer, path, threads, cancellationToken);
        await using var server = overHttp ? await BenchServer.StartAsync(path, threads, plan.Batches.Max(), cancellationToken) : null;
        using var client = server is null ? null : new ServerClient(server.Address);
        var http = client is null ? null : new HttpBenchmark(client, BenchServer.Model, context.Time);

        var traffic = WeightTraffic.Of(file);
        var results = new List<BenchResult>();
        foreach (var test in plan.Tests)
            results.Add(await MeasureAsync(test, engine, opponent, http, cancellationToken));
        _bandwidth.Measure();
        var firstTokens = http is null ? null : await http.FirstTokensAsync(plan, cancellationToken);
        return new BenchReport(
            model.Config.Name ?? Path.GetFileNameWithoutExtension(path),
            ModelFile.ParameterCount(file),
            threads,
            KernelPaths.Name(KernelPaths.Current),
            Machine(),
            traffic,
            new BenchMemory(file.Length, Environment.WorkingSet, engine.KvBytes),
            opponent?.Report,
            [.. results.Select((result, i) => WithBandwidth(result, plan.Tests[i], traffic))],
            firstTokens);
    }

    private async Task<BenchResult> MeasureAsync(
        BenchTest test, EngineBenchmark engine, Peer? opponent, HttpBenchmark? http, CancellationToken cancellationToken)
    {
        if (context.Output.ErrorIsTerminal)
            context.Output.Note($"{test} ...");
        if (test.Kind == BenchTestKind.Generation)
            _bandwidth.Measure();
        List<Measurement> measurements = [engine.MeasureAsync];
        if (opponent is not null)
            measurements.Add(opponent.MeasureAsync);
        // A prompt over HTTP is measured as the time to the first token.
        var withHttp = http is not null && test.Kind == BenchTestKind.Generation;
        if (withHttp)
            measurements.Add(http!.GenerateAsync);
        var spreads = await new Turns(plan.Repeat, context.Time).MeasureAsync(test, measurements, cancellationToken);
        var own = spreads[0];
        return new BenchResult(
            test.Name,
            own,
            null,
            opponent is null ? null : new ComparedSpeed(spreads[1], Spread.Rounded(own.Median / spreads[1].Median)),
            withHttp ? new ComparedSpeed(spreads[^1], Spread.Rounded(spreads[^1].Median / own.Median)) : null);
    }

    private void RequireRoom(ModelConfig config)
    {
        var longest = plan.Tests.Max(test => test.Tokens);
        if (longest > config.ContextLength)
            throw new CommandException(
                ExitCode.WrongUsage, $"{longest} tokens do not fit this model's context of {config.ContextLength}; lower --prompt or --generate.");
    }

    // The bandwidth is the best of the whole run, so shares are told at its end.
    private BenchResult WithBandwidth(BenchResult result, BenchTest test, WeightTraffic traffic) =>
        test.Kind == BenchTestKind.Generation && _bandwidth.Best is { } bandwidth
            ? result with { BandwidthShare = Spread.Rounded(traffic.ShareOf(bandwidth, result.TokensPerSecond.Median, test.Sequences)) }
            : result;

    private BenchMachine Machine()
    {
        var machine = MachineDescription.Read();
        return new BenchMachine(machine.Cpu.Name, machine.Cores, machine.MemoryTotalBytes, machine.OperatingSystem, _bandwidth.Best);
    }
}
