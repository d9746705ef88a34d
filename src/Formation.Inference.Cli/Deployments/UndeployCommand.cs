using System.CommandLine;
using Formation.Inference.Cli.Arguments;
using Formation.Inference.Cli.Client;

namespace Formation.Inference.Cli.Deployments;

/// <summary><c>form undeploy</c>: ends a deployment and frees its nodes.</summary>
static class UndeployCommand
{
    public static Command Create(CommandContext context)
    {
        var model = new Argument<string>("MODEL") { Description = "Id of the model, as 'form status' shows it" };
        var url = CommonOptions.Url();
        var key = CommonOptions.Key();
        var command = new Command("undeploy", "Ends a deployment; its nodes are free again, and the server serves the model itself") { model, url, key };
        command.SetAction(async (parse, cancellationToken) =>
        {
            using var server = new ServerClient(ServerAddress.Resolve(parse, url, key, context));
            var id = parse.GetValue(model)!;
            await new DeploymentsClient(server).UndeployAsync(id, cancellationToken);
            context.Output.Out.WriteLine($"{id} is not deployed any more");
            return ExitCode.Done;
        });
        return command;
    }
}
