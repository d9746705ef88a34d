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
        var measured = new Measured(engine, opponent, http, _bandwidth.IsMeasurable ? _bandwidth : null);
        var results = new List<BenchResult>();
        foreach (var test in plan.Tests)
            results.Add(await MeasureAsync(test, measured, traffic, cancellationToken));
        return new BenchReport(
            model.Config.Name ?? Path.GetFileNameWithoutExtension(path),
            ModelFile.ParameterCount(file),
            threads,
            KernelPaths.Name(KernelPaths.Current),
            Machine(),
            traffic,
            new BenchMemory(file.Length, Environment.WorkingSet, engine.KvBytes),
            opponent?.Report,
            results,
            http is null ? null : await http.FirstTokensAsync(plan, cancellationToken));
    }

    private async Task<BenchResult> MeasureAsync(BenchTest test, Measured measured, WeightTraffic traffic, CancellationToken cancellationToken)
    {
        if (context.Output.ErrorIsTerminal)
            context.Output.Note($"{test} ...");
        // A prompt is limited by arithmetic, not by memory, and over HTTP it is measured as the time to the first token.
        var generates = test.Kind == BenchTestKind.Generation;
        var measurements = new List<Measurement>();
        var own = Add(measured.Engine.MeasureAsync);
        var memory = generates ? Add(measured.Bandwidth is { } bandwidth ? bandwidth.MeasureAsync : null) : null;
        var peer = Add(measured.Peer is { } opponent ? opponent.MeasureAsync : null);
        var overHttp = generates ? Add(measured.Http is { } http ? http.GenerateAsync : null) : null;
        var spreads = await new Turns(plan.Repeat, context.Time).MeasureAsync(test, measurements, cancellationToken);

        var speed = spreads[own!.Value];
        return new BenchResult(
            test.Name,
            speed,
            memory is { } m ? new BandwidthUse(spreads[m], Spread.Rounded(traffic.ShareOf(spreads[m].Median, speed.Median, test.Sequences))) : null,
            peer is { } p ? new ComparedSpeed(spreads[p], Spread.Rounded(speed.Median / spreads[p].Median)) : null,
            overHttp is { } h ? new ComparedSpeed(spreads[h], Spread.Rounded(spreads[h].Median / speed.Median)) : null);

        int? Add(Measurement? measurement)
        {
            if (measurement is null)
                return null;
            measurements.Add(measurement);
            return measurements.Count - 1;
        }
    }

    private void RequireRoom(ModelConfig config)
    {
        var longest = plan.Tests.Max(test => test.Tokens);
        if (longest > config.ContextLength)
            throw new CommandException(
                ExitCode.WrongUsage, $"{longest} tokens do not fit this model's context of {config.ContextLength}; lower --prompt or --generate.");
    }

    private static BenchMachine Machine()
    {
        var machine = MachineDescription.Read();
        return new BenchMachine(machine.Cpu.Name, machine.Cores, machine.MemoryTotalBytes, machine.OperatingSystem);
    }

    /// <summary>What takes its turn in a run.</summary>
    private sealed record Measured(EngineBenchmark Engine, Peer? Peer, HttpBenchmark? Http, ReadBandwidth? Bandwidth);
}
