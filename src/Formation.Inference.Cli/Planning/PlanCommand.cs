using System.CommandLine;
using Formation.Inference.Cli.Arguments;
using Formation.Inference.Cluster.Placement;
using Formation.Inference.Engine.Serving;
using Formation.Inference.Kernels.Attention;
using Formation.Inference.Kernels.Threading;

namespace Formation.Inference.Cli.Planning;

/// <summary><c>form plan</c>: where a model's layers would lie, what that takes, how fast it would be, and why.</summary>
static class PlanCommand
{
    public static Command Create(CommandContext context)
    {
        var model = new Argument<string>("MODEL") { Description = "GGUF file, or the id of a model that this machine serves" };
        var nodes = new Option<string?>("--nodes") { Description = "Plan for the nodes that this file describes [default: those of the server, else this machine]", HelpName = "FILE" };
        var length = CommonOptions.Count("--context", "Positions promised to each sequence [default: the model's own, at most 8192]", 16, 1 << 24);
        var concurrency = CommonOptions.Count("--concurrency", "Sequences promised at once [default: 1]", 1, 1 << 16);
        var prompt = CommonOptions.Count("--prompt", "Positions of a typical prompt, for which speeds are predicted [default: 512]", 1, 1 << 24);
        var stages = CommonOptions.Count("--stages", "Stages of a replica [default: the fastest number]", 1, 1024);
        var replicas = CommonOptions.Count("--replicas", "Replicas [default: the fastest number]", 1, 1024);
        var spares = CommonOptions.Count("--spares", "Machines kept ready for a lost stage [default: 0]", 0, 1024);
        var pin = new Option<string[]>("--pin") { Description = "Give these layers to this node; may be given several times", HelpName = "NODE=FIRST-LAST" };
        var region = new Option<string[]>("--region")
        {
            Description = "Regions in which weights, keys and values may lie, those of spares too; may be given several times [default: all]",
            HelpName = "REGION",
        };
        var label = new Option<string[]>("--label") { Description = "Only nodes with this label; may be given several times", HelpName = "LABEL" };
        var trusted = new Option<bool>("--trusted-only") { Description = "Only nodes of trusted operators" };
        var kvFormat = new Option<string>("--kv-format") { Description = "How keys and values are stored", DefaultValueFactory = _ => "f16" };
        kvFormat.AcceptOnlyFromAmong("f16", "q8_0");
        var link = new Option<string>("--link-precision")
        {
            Description = "How activations cross links: f32 gives the tokens of one machine",
            DefaultValueFactory = _ => "f32",
        };
        link.AcceptOnlyFromAmong("f32", "bf16", "q8");
        var shared = new Option<bool>("--tensor-parallel") { Description = "Show what machines of one site would do that share each layer" };
        var threads = CommonOptions.Count("--threads", "Threads of this machine that compute [default: one for each core]", 1, WorkerTeam.MaxThreads);
        var memory = CommonOptions.Size("--memory", "What models may take of this machine [default: three quarters of what is available]");
        var measure = new Option<bool>("--measure") { Description = "Measure this machine anew, in about two seconds" };
        var data = CommonOptions.Data();
        var url = CommonOptions.Url();
        var key = CommonOptions.Key();
        var json = CommonOptions.Json();
        var command = new Command("plan", "Shows where a model's layers would lie, what that takes, how fast it would be, and why")
        {
            model, nodes, length, concurrency, prompt, stages, replicas, spares, pin, region, label, trusted, kvFormat, link, shared, threads, memory,
            measure, data, url, key, json,
        };
        command.SetAction(async (parse, cancellationToken) =>
        {
            var folder = Path.GetFullPath(parse.GetValue(data) ?? context.Folders.Data);
            var shape = PlanModel.Read(parse.GetValue(model)!, folder, parse.GetValue(kvFormat) == "q8_0" ? KvFormat.Q8_0 : KvFormat.F16);
            var request = new PlacementRequest
            {
                ContextLength = ContextOf(shape, parse.GetValue(length)),
                Concurrency = parse.GetValue(concurrency) ?? 1,
                PromptLength = parse.GetValue(prompt) ?? 512,
                Stages = parse.GetValue(stages),
                Replicas = parse.GetValue(replicas),
                Spares = parse.GetValue(spares) ?? 0,
                Pins = [.. parse.GetValue(pin)!.Select(PinArgument.Parse)],
                Regions = parse.GetValue(region)!,
                Labels = parse.GetValue(label)!,
                TrustedOnly = parse.GetValue(trusted),
                LinkPrecision = Enum.Parse<LinkPrecision>(parse.GetValue(link)!, ignoreCase: true),
                TensorParallel = parse.GetValue(shared),
            };
            var source = new PlanNodes(
                parse.GetValue(nodes), parse.GetValue(url), parse.GetValue(key), folder, parse.GetValue(threads), parse.GetValue(memory),
                parse.GetValue(measure));
            var offers = await source.ReadAsync(context, cancellationToken);
            var report = new PlanReport(PlannedModel.Of(shape), request, NodeFile.Describe(offers), Place(shape, request, offers));
            if (parse.GetValue(json))
                context.Output.WriteJson(report, PlanJson.Default.PlanReport);
            else
                PlanView.Write(context.Output, report);
            return report.Result.Plan is null ? ExitCode.Failed : ExitCode.Done;
        });
        return command;
    }

    private static int ContextOf(ModelShape shape, int? asked) => asked switch
    {
        null => Math.Min(shape.ContextLength, ModelLoadOptions.DefaultContextLimit),
        { } positions when positions > shape.ContextLength => throw new CommandException(
            ExitCode.WrongUsage, $"--context {positions}: this model was made for {shape.ContextLength} positions."),
        { } positions => positions,
    };

    private static PlacementResult Place(ModelShape shape, PlacementRequest request, IReadOnlyList<NodeOffer> offers)
    {
        try
        {
            return new FastestPlacement().Place(shape, request, offers);
        }
        catch (ArgumentException error)
        {
            throw new CommandException(ExitCode.WrongUsage, $"This can't be planned: {error.Message}");
        }
    }
}
