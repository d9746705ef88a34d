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
        var length = CommonOptions.Count("--context", "Positions promised to each sequence [default: the model's own, at most 8192]", 16, 1 << 24);
        var concurrency = CommonOptions.Count("--concurrency", "Sequences promised at once [default: 4]", 1, 1 << 16);
        var replicas = CommonOptions.Count("--replicas", "Replicas [default: the fastest number]", 1, 1024);
        var stages = CommonOptions.Count("--stages", "Stages of a replica [default: the fastest number]", 1, 1024);
        var spares = CommonOptions.Count("--spares", "Nodes kept ready for a lost stage [default: 0]", 0, 1024);
        var pin = new Option<string[]>("--pin") { Description = "Give these layers to this node; may be given several times", HelpName = "NODE=FIRST-LAST" };
        var region = new Option<string[]>("--region") { Description = "Regions in which it may lie; may be given several times [default: all]", HelpName = "REGION" };
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
        var noWait = new Option<bool>("--no-wait") { Description = "Return at once; 'form status' shows how far it is" };
        var url = CommonOptions.Url();
        var key = CommonOptions.Key();
        var json = CommonOptions.Json();
        var command = new Command("deploy", "Has nodes serve a model together; 'form plan' shows beforehand how")
        {
            model, length, concurrency, replicas, stages, spares, pin, region, label, trusted, kvFormat, link, noWait, url, key, json,
        };
        command.SetAction(async (parse, cancellationToken) =>
        {
            var terms = new JsonObject
            {
                ["spares"] = parse.GetValue(spares) ?? 0,
                ["trusted_only"] = parse.GetValue(trusted),
                ["kv_format"] = parse.GetValue(kvFormat),
                ["link_precision"] = parse.GetValue(link),
                ["regions"] = TextsOf(parse.GetValue(region)!),
                ["labels"] = TextsOf(parse.GetValue(label)!),
                ["pins"] = new JsonArray([.. parse.GetValue(pin)!.Select(PinArgument.Parse).Select(given => new JsonObject
                {
                    ["node"] = given.Node,
                    ["first"] = given.Layers.First,
                    ["last"] = given.Layers.End - 1,
                })]),
            };
            Add("context", parse.GetValue(length));
            Add("concurrency", parse.GetValue(concurrency));
            Add("replicas", parse.GetValue(replicas));
            Add("stages", parse.GetValue(stages));
            using var server = new ServerClient(ServerAddress.Resolve(parse, url, key, context));
            var deployments = new DeploymentsClient(server);
            var deployment = await deployments.DeployAsync(parse.GetValue(model)!, terms, cancellationToken);
            if (!parse.GetValue(noWait))
                deployment = await FollowAsync(deployments, deployment, context, cancellationToken);
            if (parse.GetValue(json))
                context.Output.WriteJson(deployment, DeploymentsOutputJson.Default.DeploymentView);
            else
                StatusView.Write(context.Output, deployment);
            return ExitCode.Done;

            void Add(string name, int? value)
            {
                if (value is { } given)
                    terms[name] = given;
            }
        });
        return command;
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

    private static JsonArray TextsOf(string[] values) => [.. values.Select(value => JsonValue.Create(value))];
}
