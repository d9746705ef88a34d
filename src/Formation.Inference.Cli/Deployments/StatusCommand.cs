using System.CommandLine;
using Formation.Inference.Cli.Arguments;
using Formation.Inference.Cli.Client;
using Formation.Inference.Cli.Nodes;

namespace Formation.Inference.Cli.Deployments;

/// <summary><c>form status</c>: what is deployed, how it runs, and what was decided about it.</summary>
static class StatusCommand
{
    public static Command Create(CommandContext context)
    {
        var json = CommonOptions.Json();
        var events = new Option<bool>("--events") { Description = "What was decided and what happened since the gateway started, newest last, in place of the state" };
        var url = CommonOptions.Url();
        var key = CommonOptions.Key();
        var command = new Command("status", "Shows what is deployed and how it runs, predicted beside measured") { json, events, url, key };
        command.SetAction(async (parse, cancellationToken) =>
        {
            using var server = new ServerClient(ServerAddress.Resolve(parse, url, key, context));
            if (parse.GetValue(events))
                EventLines.Write(context.Output, await new NodesClient(server).EventsAsync(cancellationToken), parse.GetValue(json));
            else
                Show(await new DeploymentsClient(server).ListAsync(cancellationToken), parse.GetValue(json));
            return ExitCode.Done;
        });
        return command;

        void Show(IReadOnlyList<DeploymentView> deployments, bool asJson)
        {
            if (asJson)
                context.Output.WriteJson(deployments, DeploymentsOutputJson.Default.IReadOnlyListDeploymentView);
            else if (deployments.Count == 0)
                context.Output.Note("Nothing is deployed; 'form deploy MODEL' has nodes serve a model together.");
            else
                foreach (var deployment in deployments)
                    StatusView.Write(context.Output, deployment);
        }
    }
}
