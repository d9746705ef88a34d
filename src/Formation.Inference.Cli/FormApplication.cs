using System.CommandLine;
using Formation.Inference.Cli.Bench;
using Formation.Inference.Cli.Deployments;
using Formation.Inference.Cli.Diagnostics;
using Formation.Inference.Cli.Inference;
using Formation.Inference.Cli.Models;
using Formation.Inference.Cli.Nodes;
using Formation.Inference.Cli.Planning;
using Formation.Inference.Cli.Training;

namespace Formation.Inference.Cli;

/// <summary>The whole command line: parses, runs one command, and turns every expected failure into a line on standard error and an exit code.</summary>
public static class FormApplication
{
    public static async Task<int> RunAsync(string[] arguments, CommandContext context, CancellationToken cancellationToken = default)
    {
        var parse = CreateRootCommand(context).Parse(arguments);
        if (parse.Errors.Count > 0 && parse.Action is not System.CommandLine.Help.HelpAction)
        {
            foreach (var error in parse.Errors.Take(2))
                context.Output.Note($"form: {error.Message}");
            context.Output.Note($"See '{CommandPath(parse)} --help'.");
            return ExitCode.WrongUsage;
        }
        try
        {
            var configuration = new InvocationConfiguration
            {
                Output = context.Output.Out,
                Error = context.Output.Error,
                EnableDefaultExceptionHandler = false,
                // A server's stop takes its own time; the other commands end at the signal as any program does.
                ProcessTerminationTimeout = null,
            };
            return await parse.InvokeAsync(configuration, cancellationToken);
        }
        catch (CommandException error)
        {
            context.Output.Note($"form: {error.Message}");
            return error.ExitCode;
        }
        catch (OperationCanceledException)
        {
            return ExitCode.Failed;
        }
    }

    /// <summary>All commands, in the order of their help.</summary>
    public static RootCommand CreateRootCommand(CommandContext context) => new("Serves AI models on hardware you own, from one box to a network of nodes")
    {
        new Command("inference", "Serve models, and talk to them")
        {
            ServeCommand.Create(context),
            AuthCommand.Create(context),
            ChatCommand.Create(context),
            CompleteCommand.Create(context),
        },
        new Command("models", "The models that can be served, and what is in a model file")
        {
            ListCommand.Create(context),
            InspectCommand.Create(context),
            AddCommand.Create(context),
            RemoveCommand.Create(context),
            TokenizeCommand.Create(context),
        },
        NodesCommand.Create(context),
        GatewaysCommand.Create(context),
        NodeCommand.Create(context),
        PlanCommand.Create(context),
        DeployCommand.Create(context),
        UndeployCommand.Create(context),
        StatusCommand.Create(context),
        BenchCommand.Create(context),
        DoctorCommand.Create(context),
        TrainCommand.Create(context),
    };

    private static string CommandPath(ParseResult parse)
    {
        var names = new List<string>();
        for (var command = parse.CommandResult; command is not null; command = command.Parent as System.CommandLine.Parsing.CommandResult)
            names.Insert(0, command.Command is RootCommand ? "form" : command.Command.Name);
        return string.Join(' ', names);
    }
}
