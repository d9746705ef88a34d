using System.CommandLine;
using System.Globalization;
using System.Text.Json.Nodes;
using Formation.Inference.Cli.Arguments;
using Formation.Inference.Cli.Client;
using Formation.Inference.Cli.Planning;

namespace Formation.Inference.Cli.Deployments;

/// <summary><c>form deploy</c>: has nodes serve a model together, and shows how they get ready.</summary>
static class DeployCommand
{
    private static readonly TimeSpan LookInterval = TimeSpan.FromMilliseconds(250);

    public static Command Create(CommandContext context)
    {
        var model = new Argument<string>("MODEL") { Description = "Id of a model that the server serves" };
        var placement = new PlacementOptions(concurrency: 4, spares: "Nodes", regions: "it may lie");
        var idle = CommonOptions.DurationOrZero("--idle", "End its workers when nobody asked anything for so long, until the next request; 0 for never [default: 0]");
        var noWait = new Option<bool>("--no-wait") { Description = "Return at once; 'form status' shows how far it is" };
        var url = CommonOptions.Url();
        var key = CommonOptions.Key();
        var json = CommonOptions.Json();
        var command = new Command("deploy", "Has nodes serve a model together; 'form plan' shows beforehand how")
        {
            model, placement, idle, noWait, url, key, json,
        };
        command.SetAction(async (parse, cancellationToken) =>
        {
            using var server = new ServerClient(ServerAddress.Resolve(parse, url, key, context));
            var deployments = new DeploymentsClient(server);
            var deployment = await deployments.DeployAsync(parse.GetValue(model)!, TermsOf(placement.Read(parse), parse.GetValue(idle)), cancellationToken);
            if (!parse.GetValue(noWait))
                deployment = await FollowAsync(deployments, deployment, context, cancellationToken);
            if (parse.GetValue(json))
                context.Output.WriteJson(deployment, DeploymentsOutputJson.Default.DeploymentView);
            else
                StatusView.Write(context.Output, deployment);
            return ExitCode.Done;
        });
        return command;
    }

    // What was not given is left to the server.
    private static JsonObject TermsOf(PlacementArguments given, TimeSpan? idle)
    {
        var terms = new JsonObject
        {
            ["spares"] = given.Spares,
            ["trusted_only"] = given.TrustedOnly,
            ["kv_format"] = given.KvFormat,
            ["link_precision"] = given.LinkPrecision,
            ["regions"] = TextsOf(given.Regions),
            ["labels"] = TextsOf(given.Labels),
            ["pins"] = new JsonArray([.. given.Pins.Select(pin => new JsonObject
            {
                ["node"] = pin.Node,
                ["first"] = pin.Layers.First,
                ["last"] = pin.Layers.End - 1,
            })]),
        };
        Add("context", given.Context);
        Add("concurrency", given.Concurrency);
        if (given.Replicas is { } replicas)
            terms["replicas"] = replicas.Most is { } most ? new JsonObject { ["min"] = replicas.Least, ["max"] = most } : replicas.Least;
        if (idle is { } quiet)
            terms["idle_seconds"] = (long)Math.Ceiling(quiet.TotalSeconds);
        Add("stages", given.Stages);
        if (given.TensorParallel is { } group)
            terms["tensor_parallel"] = group.Size is { } size ? size : "auto";
        return terms;

        void Add(string name, int? value)
        {
            if (value is { } number)
                terms[name] = number;
        }
    }

    // The nodes go on when this command ends; it only watches.
    private static async Task<DeploymentView> FollowAsync(
        DeploymentsClient deployments, DeploymentView deployment, CommandContext context, CancellationToken cancellationToken)
    {
        var told = new Dictionary<string, string>(StringComparer.Ordinal);
        while (deployment.State is "loading" or "waiting")
        {
            foreach (var worker in deployment.Replicas.SelectMany(replica => replica.Workers).Concat(deployment.Standbys))
            {
                var line = Line(worker);
                if (told.GetValueOrDefault(worker.Node) != line)
                    context.Output.Note(told[worker.Node] = line);
            }
            await Task.Delay(LookInterval, context.Time, cancellationToken);
            deployment = await deployments.FindAsync(deployment.Model, cancellationToken);
        }
        return deployment;
    }

    private static string Line(WorkerView worker)
    {
        var share = worker.State is "fetching" or "loading" ? string.Create(CultureInfo.InvariantCulture, $" {(int)(worker.Progress * 10) * 10} %") : "";
        return $"{worker.Node}: {worker.Role}, {worker.State}{share}{(worker.Reason.Length > 0 ? $" ({worker.Reason})" : "")}";
    }

    private static JsonArray TextsOf(IReadOnlyList<string> values) => [.. values.Select(value => JsonValue.Create(value))];
}
