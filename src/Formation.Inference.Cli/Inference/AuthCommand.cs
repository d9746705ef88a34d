using System.CommandLine;
using Formation.Inference.Cli.Arguments;
using Formation.Inference.Cli.Client;

namespace Formation.Inference.Cli.Inference;

/// <summary><c>form inference auth</c>: checks a key against the server and saves it for this user.</summary>
static class AuthCommand
{
    public static Command Create(CommandContext context)
    {
        var url = CommonOptions.Url();
        var key = new Option<string>("--key") { Description = "API key to check and save", HelpName = "KEY", Required = true };
        var command = new Command("auth", "Checks an API key against the server and saves it for this user (file mode 600)") { key, url };
        command.SetAction(async (parse, cancellationToken) =>
        {
            var address = ServerAddress.Resolve(parse, url, key!, context);
            using var client = new ServerClient(address);
            var models = await client.ListModelsAsync(cancellationToken);
            new SavedCredentials(address.Url.ToString().TrimEnd('/'), address.Key!).Save(context.Folders);
            context.Output.Out.WriteLine($"The key is valid at {address.Url} ({models.Count} models) and saved in {SavedCredentials.PathIn(context.Folders)}");
            return ExitCode.Done;
        });
        return command;
    }
}
