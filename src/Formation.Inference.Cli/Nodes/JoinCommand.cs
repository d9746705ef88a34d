using System.CommandLine;
using System.Net;
using Formation.Inference.Cli.Arguments;
using Formation.Inference.Cli.Hosting;
using Formation.Inference.Cli.Terminal;
using Formation.Inference.Cluster.Identity;
using Formation.Inference.Cluster.Nodes;
using Formation.Inference.Kernels.Machine;
using Formation.Inference.Kernels.Threading;
using Formation.Inference.Node.Agent;
using Formation.Inference.Node.Inventory;

namespace Formation.Inference.Cli.Nodes;

/// <summary><c>form node join</c>: makes this machine a node, and runs it until it is stopped. Run again, it needs no token.</summary>
static class JoinCommand
{
    public static Command Create(CommandContext context)
    {
        var gateway = new Option<string?>("--gateway") { Description = "Where the gateway listens for nodes; needed once", HelpName = "URL" };
        var token = new Option<string?>("--token") { Description = "What 'form node token create' showed; needed once", HelpName = "T" };
        var name = new Option<string?>("--name") { Description = "Name of this node [default: the machine's]", HelpName = "N" };
        var region = new Option<string?>("--region") { Description = "Where it stands, for deployments that mind", HelpName = "R" };
        var memory = CommonOptions.Size("--memory", "What models may take here [default: three quarters of what is available]");
        var threads = CommonOptions.Count("--threads", "Threads that compute [default: one for each core]", 1, WorkerTeam.MaxThreads);
        var data = new Option<string?>("--data") { Description = "Folder of the node's key and of what it remembers [default: ~/.local/share/formation/node]", HelpName = "DIR" };
        var listen = new Option<string>("--listen")
        {
            Description = "Where other nodes dial this one (mutual TLS); 'off' to dial out only, and be reached through the gateway",
            HelpName = "ADDRESS",
            DefaultValueFactory = _ => "*:0",
        };
        var otlp = WorkerCommandLine.Otlp();
        var command = new Command("join", "Makes this machine a node of a network, and runs it until it is stopped")
        {
            gateway, token, name, region, memory, threads, data, listen, otlp,
        };
        command.SetAction(async (parse, cancellationToken) =>
        {
            var settings = new JoinSettings(
                Url(parse.GetValue(gateway)),
                Token(parse.GetValue(token)),
                Name(parse.GetValue(name)),
                parse.GetValue(region) ?? "",
                parse.GetValue(memory),
                parse.GetValue(threads),
                Path.GetFullPath(parse.GetValue(data) ?? Path.Combine(context.Folders.Data, "node")),
                ListenEndpoint.Parse("--listen", parse.GetValue(listen)!),
                WorkerCommandLine.AddressOf(parse, otlp));
            using var stop = new StopSignals(cancellationToken);
            return await RunAsync(settings, context, stop.Token);
        });
        return command;
    }

    private static async Task<int> RunAsync(JoinSettings settings, CommandContext context, CancellationToken stop)
    {
        try
        {
            using var identity = NodeIdentity.LoadOrCreate(Path.Combine(settings.DataFolder, "node.pem"), context.Time);
            var known = Membership.Load(settings.DataFolder);
            var nodeName = settings.Name ?? known?.Name ?? NodeName.FromHost(Environment.MachineName);
            var inventory = Inventory(nodeName, settings, context);
            if (known is not null && settings.Name is { } other && other != known.Name)
                throw new CommandException(
                    ExitCode.WrongUsage, $"This node was admitted as '{known.Name}'; leave --name out, or give another --data folder to join as '{other}'.");
            if (known is null || (settings.Token is { } token && known.Gateways.All(gateway => gateway.Pin != token.Gateway)))
                await RunAgentAsync(await JoinAsync(settings, identity, inventory, context, stop), settings, identity, inventory, context, stop);
            else
                await ReturnAsync(known, settings, identity, inventory, context, stop);
            return ExitCode.Done;
        }
        catch (NodeRefusedException refused)
        {
            throw new CommandException(
                refused.Refusal.Reason is RefusalReason.NameTaken or RefusalReason.BadMessage or RefusalReason.WrongProtocol ? ExitCode.Failed : ExitCode.NotAuthorised,
                $"The gateway refuses this node: {refused.Message}");
        }
        catch (GatewayUnreachableException unreachable)
        {
            throw new CommandException(unreachable.Fault is null ? ExitCode.ServerNotReachable : ExitCode.NotAuthorised, unreachable.Message);
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException or InvalidDataException)
        {
            throw new CommandException(ExitCode.Failed, error.Message);
        }
    }

    // What takes long is measured once; what changes by itself is looked up each time, coarsely, so that not every page is news.
    private static Func<NodeReport> Inventory(string name, JoinSettings settings, CommandContext context)
    {
        const long step = 64L << 20;
        NodeReport report;
        try
        {
            report = new MachineInventory(context.Time).Describe(new InventoryOptions
            {
                Name = name,
                Region = settings.Region,
                MemoryBytes = settings.MemoryBytes,
                Threads = settings.Threads,
                DataFolder = settings.DataFolder,
            });
        }
        catch (InvalidOperationException error)
        {
            throw new CommandException(ExitCode.Failed, $"This machine can't be measured: {error.Message}.");
        }
        return () => report with
        {
            FreeMemoryBytes = Math.Min(report.MemoryBytes, MachineDescription.Read().MemoryAvailableBytes / step * step),
        };
    }

    // The command that was pasted once is run again by whatever starts the machine: its token is spent, and not needed. Where the node was
    // removed since, it may be a new one.
    private static async Task ReturnAsync(
        Membership known, JoinSettings settings, NodeIdentity identity, Func<NodeReport> inventory, CommandContext context, CancellationToken stop)
    {
        try
        {
            var membership = settings.Gateway is { } url ? WithFirst(known, url) : known;
            await RunAgentAsync(membership, settings, identity, inventory, context, stop);
        }
        catch (NodeRefusedException refused) when (settings.Token is not null && refused.Refusal.Reason is RefusalReason.Removed or RefusalReason.UnknownCertificate)
        {
            Membership joined;
            try
            {
                joined = await JoinAsync(settings, identity, inventory, context, stop);
            }
            catch (NodeRefusedException spent) when (spent.Refusal.Reason is RefusalReason.TokenUsed or RefusalReason.TokenExpired)
            {
                throw refused;
            }
            await RunAgentAsync(joined, settings, identity, inventory, context, stop);
        }
    }

    private static async Task<Membership> JoinAsync(
        JoinSettings settings, NodeIdentity identity, Func<NodeReport> inventory, CommandContext context, CancellationToken stop)
    {
        if (settings is not { Gateway: { } gateway, Token: { } token })
            throw new CommandException(
                ExitCode.WrongUsage, $"This machine is no node yet (nothing in {settings.DataFolder}); give --gateway and --token, which 'form node token create' shows.");
        var joined = await NodeJoin.RunAsync(identity, gateway, token, inventory(), settings.DataFolder, context.Time, stop);
        context.Output.Note($"Joined as {joined.Name}; this node's key is {identity.Pin.Short}, kept in {settings.DataFolder}");
        return joined;
    }

    private static async Task RunAgentAsync(
        Membership membership, JoinSettings settings, NodeIdentity identity, Func<NodeReport> inventory, CommandContext context, CancellationToken stop)
    {
        var described = inventory();
        var node = new NodeRuntime(
            identity, membership, settings.DataFolder, inventory, settings.Listen, described.MemoryBytes, described.Devices[0].Threads)
        {
            OtlpEndpoint = settings.OtlpEndpoint,
        };
        await node.RunAsync(
            context,
            url =>
            {
                context.Output.Out.WriteLine($"Node {membership.Name} is online at {url.GetLeftPart(UriPartial.Authority)}");
                context.Output.Out.Flush();
            },
            stop);
    }

    // A gateway that moved is found at its new place; which one it is, its key says.
    private static Membership WithFirst(Membership known, Uri url)
    {
        var text = url.GetLeftPart(UriPartial.Authority);
        var gateways = known.Gateways.ToList();
        gateways[0] = gateways[0] with { Urls = [text, .. gateways[0].Urls.Where(other => other != text)] };
        return known with { Gateways = gateways };
    }

    private static Uri? Url(string? text) => text switch
    {
        null => null,
        _ when GatewayUrl.TryParse(text, out var url) => url,
        _ => throw new CommandException(ExitCode.WrongUsage, $"--gateway '{text}' is not where a gateway listens for nodes; write for instance https://192.168.1.5:8081"),
    };

    private static JoinToken? Token(string? text)
    {
        if (text is null)
            return null;
        return JoinToken.TryParse(text, out var token, out var fault)
            ? token
            : throw new CommandException(ExitCode.WrongUsage, $"--token can't be read: {fault}. Copy it again, whole, from 'form node token create'.");
    }

    private static string? Name(string? text) => text is null || NodeName.IsValid(text)
        ? text
        : throw new CommandException(
            ExitCode.WrongUsage, $"--name '{text}' is not a node's name; use 1 to {NodeName.MaximumLength} of a-z, 0-9 and '-', with a letter or digit at both ends");

    private sealed record JoinSettings(
        Uri? Gateway, JoinToken? Token, string? Name, string Region, long? MemoryBytes, int? Threads, string DataFolder, IPEndPoint? Listen,
        Uri? OtlpEndpoint);
}
