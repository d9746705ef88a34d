using System.CommandLine;
using Formation.Inference.Cli.Arguments;
using Formation.Inference.Cli.Hosting;

namespace Formation.Inference.Cli.Models;

/// <summary><c>form models remove</c>: forgets a registered model; its file stays.</summary>
static class RemoveCommand
{
    public static Command Create(CommandContext context)
    {
        var id = new Argument<string>("ID") { Description = "Id of a registered model" };
        var data = CommonOptions.Data();
        var command = new Command("remove", "Forgets a registered model; its file stays where it is") { id, data };
        command.SetAction(parse =>
        {
            var name = parse.GetValue(id)!;
            var registered = RegisteredModels.Load(parse.GetValue(data) ?? context.Folders.Data);
            if (!registered.Remove(name))
                throw new CommandException(ExitCode.NotFound, $"No model '{name}' is registered; 'form models list' shows what there is.");
            context.Output.Out.WriteLine($"{name} is no longer registered");
            return ExitCode.Done;
        });
        return command;
    }
}
