using System.CommandLine;
using Formation.Inference.Cli.Arguments;
using Formation.Inference.Cli.Bench.Http;
using Formation.Inference.Cli.Bench.Peers;
using Formation.Inference.Cli.Client;
using Formation.Inference.Cli.Hosting;
using Formation.Inference.Kernels.Machine;
using Formation.Inference.Kernels.Threading;

namespace Formation.Inference.Cli.Bench;

/// <summary><c>form bench</c>: the speed of the engine on this machine, by itself, beside a peer, and over HTTP.</summary>
static class BenchCommand
{
    public static Command Create(CommandContext context)
    {
        var model = new Option<string[]>("--model")
        {
            Description = "GGUF file, or a folder of them; may be given several times. With --http, the model's id [default: the bundled model]",
            HelpName = "FILE",
        };
        var threads = CommonOptions.Count("--threads", "Threads that compute [default: one for each core]", 1, WorkerTeam.MaxThreads);
        var prompt = CommonOptions.Counts("--prompt", "Tokens of the prompts, divided by commas; 0 leaves them out", 0, 1 << 20, [512], "512,4096");
        var generate = CommonOptions.Count("--generate", "Tokens to generate; 0 leaves this out [default: 64]", 0, 1 << 20);
        var batch = CommonOptions.Counts("--batch", "Sequences that generate together, divided by commas", 1, 256, [1], "1,4,8");
        var repeat = CommonOptions.Count("--repeat", "Measurements of each test, after three seconds of warming up [default: 3, with --peers 5]", 1, 1000);
        var peers = new Option<bool>("--peers") { Description = "Measure llama.cpp on the same files too, in turns; npm installs it into benchmarks/peers" };
        var serve = new Option<bool>("--serve") { Description = "Start a server with the model too, and measure it over HTTP in turns" };
        var http = new Option<string?>("--http") { Description = "Measure this running server instead", HelpName = "URL" };
        var key = CommonOptions.Key();
        var json = CommonOptions.Json();
        var command = new Command("bench", "Measures prompts and generation of models on this machine")
        {
            model, threads, prompt, generate, batch, repeat, peers, serve, http, key, json,
        };
        command.Validators.Add(result =>
        {
            if (result.GetValue(http) is not null && (result.GetValue(peers) || result.GetValue(serve)))
                result.AddError("--http measures a server that runs; --peers and --serve measure model files. Give one or the other.");
        });
        command.SetAction(async (parse, cancellationToken) =>
        {
            var plan = new BenchPlan(
                [.. parse.GetValue(prompt)!.Where(tokens => tokens > 0)],
                parse.GetValue(generate) ?? 64,
                parse.GetValue(batch)!,
                parse.GetValue(repeat) ?? (parse.GetValue(peers) ? 5 : 3));
            if (plan.Tests.Count == 0)
                throw new CommandException(ExitCode.WrongUsage, "--prompt 0 and --generate 0 leave nothing to measure.");
            if (parse.GetValue(http) is { } url)
                await MeasureServerAsync(url, parse.GetValue(model)!);
            else
                await MeasureFilesAsync(parse.GetValue(model)!);
            return ExitCode.Done;

            async Task MeasureServerAsync(string url, string[] models)
            {
                if (models.Length > 1)
                    throw new CommandException(ExitCode.WrongUsage, "--http measures one --model at a time.");
                var address = ServerAddress.Resolve(url, parse.GetValue(key), context);
                var report = await ServerBenchmark.RunAsync(
                    address, models.SingleOrDefault() ?? ModelSources.DefaultModelId, plan, context.Time, cancellationToken);
                if (parse.GetValue(json))
                    context.Output.WriteJson(report, BenchJson.Default.HttpReport);
                else
                    BenchTables.Show(context.Output, report);
            }

            async Task MeasureFilesAsync(string[] models)
            {
                var files = FilesOf(models);
                var peer = parse.GetValue(peers) ? await Peer.InstallAsync(context.Output.Note, cancellationToken) : null;
                var reports = new List<BenchReport>();
                foreach (var file in files)
                {
                    var benchmark = new ModelBenchmark(
                        context, plan, parse.GetValue(threads) ?? MachineDescription.Read().DefaultThreads, peer, parse.GetValue(serve));
                    reports.Add(await benchmark.RunAsync(file, cancellationToken));
                    // A table as soon as it is there: a run over many models takes long.
                    if (!parse.GetValue(json))
                        BenchTables.Show(context.Output, reports[^1]);
                }
                if (parse.GetValue(json) && reports.Count == 1)
                    context.Output.WriteJson(reports[0], BenchJson.Default.BenchReport);
                else if (parse.GetValue(json))
                    context.Output.WriteJson<IReadOnlyList<BenchReport>>(reports, BenchJson.Default.IReadOnlyListBenchReport);
            }
        });
        return command;
    }

    /// <summary>The files that values of <c>--model</c> name: each a file, or a folder of them.</summary>
    /// <exception cref="CommandException">There is none.</exception>
    internal static IReadOnlyList<string> FilesOf(IReadOnlyList<string> models)
    {
        if (models.Count == 0)
            return [ModelSources.BundledPath() ?? throw new CommandException(ExitCode.NotFound, "This build has no bundled model; give --model FILE.")];
        string[] files = [.. models.SelectMany(model => Directory.Exists(model) ? ModelSources.FilesIn(model, "--model") : [model])];
        return files.Length > 0
            ? files
            : throw new CommandException(ExitCode.NotFound, $"There is no GGUF file in {Path.GetFullPath(models[0])}.");
    }
}
