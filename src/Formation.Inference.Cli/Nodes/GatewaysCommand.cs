using System.CommandLine;
using Formation.Inference.Cli.Arguments;
using Formation.Inference.Cli.Client;
using Spectre.Console;

namespace Formation.Inference.Cli.Nodes;

/// <summary><c>form gateways</c>: the gateways that share a network's nodes.</summary>
static class GatewaysCommand
{
    public static Command Create(CommandContext context)
    {
        var json = CommonOptions.Json();
        var url = CommonOptions.Url();
        var key = CommonOptions.Key();
        var command = new Command("gateways", "Lists the gateways of the network, where nodes reach them and which one decides about deployments") { json, url, key };
        command.SetAction(async (parse, cancellationToken) =>
        {
            using var server = new ServerClient(ServerAddress.Resolve(parse, url, key, context));
            var gateways = await new NodesClient(server).GatewaysAsync(cancellationToken);
            if (parse.GetValue(json))
                context.Output.WriteJson(gateways, NodesOutputJson.Default.IReadOnlyListGatewayView);
            else
                context.Output.Text.Write(TableOf(gateways, context.Time.GetUtcNow()));
            return ExitCode.Done;
        });
        return command;
    }

    private static Table TableOf(IReadOnlyList<GatewayView> gateways, DateTimeOffset now)
    {
        var table = new Table().Border(TableBorder.Simple).AddColumns("key", "nodes reach it at", "heard", "");
        foreach (var gateway in gateways)
            table.AddRow(
                Markup.Escape(gateway.Pin[..Math.Min(gateway.Pin.Length, 12)]),
                Markup.Escape(gateway.Urls.Count > 0 ? string.Join(", ", gateway.Urls) : "-"),
                $"{NodesCommand.Age(now - gateway.LastSeen)} ago",
                string.Join(", ", Roles(gateway)));
        return table;
    }

    private static IEnumerable<string> Roles(GatewayView gateway)
    {
        if (gateway.Deciding)
            yield return "decides";
        if (gateway.Answering)
            yield return "answers here";
    }
}
