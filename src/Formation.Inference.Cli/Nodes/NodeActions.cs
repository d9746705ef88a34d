using System.CommandLine;
using Formation.Inference.Cli.Arguments;
using Formation.Inference.Cli.Client;

namespace Formation.Inference.Cli.Nodes;

/// <summary><c>form node inspect / drain / remove</c>: one node of a server's network.</summary>
static class NodeActions
{
    public static Command Inspect(CommandContext context)
    {
        var name = Name();
        var json = CommonOptions.Json();
        var url = CommonOptions.Url();
        var key = CommonOptions.Key();
        var command = new Command("inspect", "Shows what a node is, has and reaches") { name, json, url, key };
        command.SetAction(async (parse, cancellationToken) =>
        {
            using var server = new ServerClient(ServerAddress.Resolve(parse, url, key, context));
            var node = await new NodesClient(server).FindAsync(parse.GetValue(name)!, cancellationToken);
            if (parse.GetValue(json))
                context.Output.WriteJson(node, NodesOutputJson.Default.NodeView);
            else
                foreach (var (label, value) in NodeLines.Of(node))
                    context.Output.Out.WriteLine($"{label,-12} {value}");
            return ExitCode.Done;
        });
        return command;
    }

    public static Command Drain(CommandContext context)
    {
        var name = Name();
        var undo = new Option<bool>("--undo") { Description = "Lets work go there again" };
        var url = CommonOptions.Url();
        var key = CommonOptions.Key();
        var command = new Command("drain", "Lets a node take no new work; what runs there goes on") { name, undo, url, key };
        command.SetAction(async (parse, cancellationToken) =>
        {
            using var server = new ServerClient(ServerAddress.Resolve(parse, url, key, context));
            var nodes = new NodesClient(server);
            var node = parse.GetValue(undo)
                ? await nodes.ResumeAsync(parse.GetValue(name)!, cancellationToken)
                : await nodes.DrainAsync(parse.GetValue(name)!, cancellationToken);
            context.Output.Out.WriteLine(node.Draining ? $"{node.Name} takes no new work" : $"{node.Name} takes work again");
            return ExitCode.Done;
        });
        return command;
    }

    public static Command Remove(CommandContext context)
    {
        var name = Name();
        var url = CommonOptions.Url();
        var key = CommonOptions.Key();
        var command = new Command("remove", "Ends a node's admission and cuts its connections at once") { name, url, key };
        command.SetAction(async (parse, cancellationToken) =>
        {
            using var server = new ServerClient(ServerAddress.Resolve(parse, url, key, context));
            var removed = parse.GetValue(name)!;
            await new NodesClient(server).RemoveAsync(removed, cancellationToken);
            context.Output.Out.WriteLine($"{removed} is removed; only a new token lets it in again");
            return ExitCode.Done;
        });
        return command;
    }

    private static Argument<string> Name() => new("NAME") { Description = "Name of the node, as 'form nodes' shows it" };
}
