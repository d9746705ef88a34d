using System.CommandLine;
using System.Globalization;
using System.Text.Json.Nodes;
using Formation.Inference.Cli.Arguments;
using Formation.Inference.Cli.Client;

namespace Formation.Inference.Cli.Nodes;

/// <summary><c>form node token create</c>: the first of the two commands that add a machine; it prints the second.</summary>
static class TokenCommand
{
    public static Command Create(CommandContext context)
    {
        var expires = CommonOptions.Duration("--expires", "How long the token is good for [default: 1h]");
        var region = new Option<string?>("--region") { Description = "Region that the node is admitted for [default: the one that it names itself]", HelpName = "R" };
        var labels = new Option<string[]>("--label") { Description = "What the operator says of the node, for placement; may be given several times", HelpName = "NAME=VALUE" };
        var trusted = new Option<bool>("--trusted") { Description = "Let work go there that only trusted nodes may do" };
        var json = CommonOptions.Json();
        var url = CommonOptions.Url();
        var key = CommonOptions.Key();
        var create = new Command("create", "Makes a token that admits one node, and shows what to run there")
        {
            expires, region, labels, trusted, json, url, key,
        };
        create.SetAction(async (parse, cancellationToken) =>
        {
            var terms = Terms(parse.GetValue(expires), parse.GetValue(region), parse.GetValue(labels) ?? [], parse.GetValue(trusted));
            using var server = new ServerClient(ServerAddress.Resolve(parse, url, key, context));
            var token = await new NodesClient(server).CreateTokenAsync(terms, cancellationToken);
            Show(context, token, parse.GetValue(json));
            return ExitCode.Done;
        });
        return new Command("token", "Tokens that admit nodes") { create };
    }

    private static void Show(CommandContext context, JoinTokenView token, bool asJson)
    {
        var command = $"form node join --gateway {token.Gateway} --token {token.Token}";
        if (asJson)
        {
            context.Output.WriteJson(new InvitationView(token.Token, token.Gateway, token.Expires, command), NodesOutputJson.Default.InvitationView);
        }
        else
        {
            context.Output.Out.WriteLine(
                $"Run this on the new machine before {token.Expires.UtcDateTime.ToString("u", CultureInfo.InvariantCulture)}; it admits one node:");
            context.Output.Out.WriteLine();
            context.Output.Out.WriteLine($"  {command}");
        }
        if (!token.ReachableFromOutside)
            context.Output.Note("The gateway listens for nodes of its own machine only; start it with --cluster-listen 0.0.0.0:8081 to let other machines in.");
    }

    private static JsonObject Terms(TimeSpan? expires, string? region, string[] labels, bool trusted)
    {
        var terms = new JsonObject { ["trusted"] = trusted };
        if (expires is { } lifetime)
            terms["expires_in"] = Math.Max(1, (long)lifetime.TotalSeconds);
        if (region is not null)
            terms["region"] = region;
        var named = new JsonObject();
        foreach (var label in labels)
        {
            var parts = label.Split('=', 2);
            if (parts.Length != 2 || parts[0].Length == 0 || !named.TryAdd(parts[0], parts[1]))
                throw new CommandException(ExitCode.WrongUsage, $"--label '{label}' is not of the form NAME=VALUE, or its name was given before");
        }
        terms["labels"] = named;
        return terms;
    }
}
