using System.CommandLine;
using System.Globalization;
using Formation.Inference.Cli.Arguments;
using Formation.Inference.Cli.Hosting;
using Formation.Inference.Cli.Models;
using Formation.Inference.Cli.Terminal;
using Formation.Inference.Engine.Devices;
using Formation.Inference.Engine.Gguf;
using Formation.Inference.Engine.Models;
using Formation.Inference.Kernels.Dispatch;
using Formation.Inference.Kernels.Machine;
using Formation.Inference.Kernels.Threading;
using Spectre.Console;

namespace Formation.Inference.Cli.Bench;

/// <summary><c>form bench</c>: the speed of the engine on this machine, in process.</summary>
static class BenchCommand
{
    private const int PrefillChunk = 512;

    private static readonly TimeSpan WarmUpTime = TimeSpan.FromSeconds(1);

    public static Command Create(CommandContext context)
    {
        var model = new Option<string?>("--model") { Description = "GGUF file [default: the bundled model]", HelpName = "FILE" };
        var threads = CommonOptions.Count("--threads", "Threads that compute [default: the processors that this process may use]", 1, WorkerTeam.MaxThreads);
        var prompt = CommonOptions.Count("--prompt", "Tokens of the prompt; 0 leaves this test out [default: 512]", 0, 1 << 20);
        var generate = CommonOptions.Count("--generate", "Tokens to generate; 0 leaves this test out [default: 64]", 0, 1 << 20);
        var batch = new Option<int[]>("--batch")
        {
            Description = "Sequences that generate together, divided by commas",
            HelpName = "1,4,8",
            DefaultValueFactory = _ => [1],
            CustomParser = result =>
            {
                var text = result.Tokens.Count == 1 ? result.Tokens[0].Value : "";
                var sizes = text.Split(',').Select(part => int.TryParse(part, CultureInfo.InvariantCulture, out var size) ? size : 0).ToArray();
                if (sizes.All(size => size is >= 1 and <= 256))
                    return sizes;
                result.AddError($"--batch '{text}' is not a list of numbers from 1 to 256, such as 1,4,8");
                return [];
            },
        };
        var repeat = CommonOptions.Count("--repeat", "Measurements of each test, after a second of warming up [default: 3]", 1, 1000);
        var json = CommonOptions.Json();
        var command = new Command("bench", "Measures prefill and decode of a model on this machine") { model, threads, prompt, generate, batch, repeat, json };
        command.SetAction(async (parse, cancellationToken) =>
        {
            var path = parse.GetValue(model) ?? ModelSources.BundledPath()
                ?? throw new CommandException(ExitCode.NotFound, "This build has no bundled model; give --model FILE.");
            var plan = new BenchPlan(
                parse.GetValue(prompt) ?? 512, parse.GetValue(generate) ?? 64, parse.GetValue(batch)!, parse.GetValue(repeat) ?? 3);
            var report = await MeasureAsync(context, path, parse.GetValue(threads) ?? MachineDescription.Read().DefaultThreads, plan, cancellationToken);
            if (parse.GetValue(json))
                context.Output.WriteJson(report, BenchJson.Default.BenchReport);
            else
                Show(context.Output, report);
            return ExitCode.Done;
        });
        return command;
    }

    private static async Task<BenchReport> MeasureAsync(
        CommandContext context, string path, int threads, BenchPlan plan, CancellationToken cancellationToken)
    {
        using var file = ModelFile.Open(path);
        using var device = new CpuDevice(threads);
        using var model = ModelFile.Load(context.Output, file, device, cancellationToken);
        var longest = Math.Max(plan.Prompt, plan.Generate);
        if (longest > model.Config.ContextLength)
            throw new CommandException(
                ExitCode.WrongUsage, $"{longest} tokens do not fit this model's context of {model.Config.ContextLength}; lower --prompt or --generate.");

        using var benchmark = new EngineBenchmark(model, longest, plan.Batches.Max(), Math.Clamp(plan.Prompt, 1, PrefillChunk), context.Time);
        var results = new List<BenchResult>();
        if (plan.Prompt > 0)
            await AddAsync($"pp{plan.Prompt}", () => benchmark.PrefillAsync(plan.Prompt, cancellationToken));
        if (plan.Generate > 0)
            foreach (var size in plan.Batches)
                await AddAsync(
                    size == 1 ? $"tg{plan.Generate}" : $"tg{plan.Generate}x{size}",
                    () => benchmark.DecodeAsync(plan.Generate, size, cancellationToken));
        var name = model.Config.Name ?? Path.GetFileNameWithoutExtension(path);
        return new BenchReport(name, ModelFile.ParameterCount(file), threads, KernelPaths.Name(KernelPaths.Current), results);

        async Task AddAsync(string test, Func<Task<double>> measure)
        {
            if (context.Output.ErrorIsTerminal)
                context.Output.Note($"{test} ...");
            await WarmUpAsync(measure, context.Time);
            var speeds = new List<double>();
            for (var i = 0; i < plan.Repeat; i++)
                speeds.Add(await measure());
            results.Add(new BenchResult(test, Spread.Of(speeds)));
        }
    }

    // The run-time compiles code better once it has run for a while; until then the figures would say how fast it compiles.
    private static async Task WarmUpAsync(Func<Task<double>> measure, TimeProvider time)
    {
        var start = time.GetTimestamp();
        do
            await measure();
        while (time.GetElapsedTime(start) < WarmUpTime);
    }

    private static void Show(CommandOutput output, BenchReport report)
    {
        output.Out.WriteLine($"{report.Model}, {ParameterCount.Format(report.Parameters)} parameters, {report.Threads} threads, {report.Kernels} kernels");
        var table = new Table().Border(TableBorder.Simple).AddColumns("test", "tokens/s (median)", "least", "most");
        foreach (var (test, speed) in report.Results)
            table.AddRow(test, Number(speed.Median), Number(speed.Min), Number(speed.Max));
        output.Text.Write(table);

        static string Number(double value) => value.ToString("N1", CultureInfo.InvariantCulture);
    }

    private sealed record BenchPlan(int Prompt, int Generate, IReadOnlyList<int> Batches, int Repeat);
}
