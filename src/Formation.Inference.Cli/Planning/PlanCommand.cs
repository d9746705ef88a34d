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
    private const int DefaultConcurrency = 1;

    public static Command Create(CommandContext context)
    {
        var model = new Argument<string>("MODEL") { Description = "GGUF file, or the id of a model that this machine serves" };
        var nodes = new Option<string?>("--nodes") { Description = "Plan for the nodes that this file describes [default: those of the server, else this machine]", HelpName = "FILE" };
        var placement = new PlacementOptions(DefaultConcurrency, spares: "Machines", regions: "weights, keys and values may lie, those of spares too");
        var prompt = CommonOptions.Count("--prompt", "Positions of a typical prompt, for which speeds are predicted [default: 512]", 1, 1 << 24);
        var threads = CommonOptions.Count("--threads", "Threads of this machine that compute [default: one for each core]", 1, WorkerTeam.MaxThreads);
        var memory = CommonOptions.Size("--memory", "What models may take of this machine [default: three quarters of what is available]");
        var measure = new Option<bool>("--measure") { Description = "Measure this machine anew, in about two seconds" };
        var data = CommonOptions.Data();
        var url = CommonOptions.Url();
        var key = CommonOptions.Key();
        var json = CommonOptions.Json();
        var command = new Command("plan", "Shows where a model's layers would lie, what that takes, how fast it would be, and why")
        {
            model, nodes, placement, prompt, threads, memory, measure, data, url, key, json,
        };
        command.SetAction(async (parse, cancellationToken) =>
        {
            var folder = Path.GetFullPath(parse.GetValue(data) ?? context.Folders.Data);
            var given = placement.Read(parse);
            var shape = PlanModel.Read(parse.GetValue(model)!, folder, given.KvFormat == "q8_0" ? KvFormat.Q8_0 : KvFormat.F16);
            var request = new PlacementRequest
            {
                ContextLength = ContextOf(shape, given.Context),
                Concurrency = given.Concurrency ?? DefaultConcurrency,
                PromptLength = parse.GetValue(prompt) ?? 512,
                Stages = given.Stages,
                Replicas = given.Replicas?.Least,
                Spares = given.Spares,
                Pins = given.Pins,
                Regions = given.Regions,
                Labels = given.Labels,
                TrustedOnly = given.TrustedOnly,
                LinkPrecision = Enum.Parse<LinkPrecision>(given.LinkPrecision, ignoreCase: true),
                GroupSize = given.TensorParallel is { } group ? group.Size : 1,
                TensorParallel = true,
                Runtime = new RuntimeAbilities { TensorParallel = true },
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
