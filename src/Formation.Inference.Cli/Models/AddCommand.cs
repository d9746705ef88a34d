using System.CommandLine;
using Formation.Inference.Cli.Arguments;
using Formation.Inference.Cli.Hosting;
using Formation.Inference.Engine.Gguf;

namespace Formation.Inference.Cli.Models;

/// <summary><c>form models add</c>: registers a GGUF file under an id.</summary>
static class AddCommand
{
    public static Command Create(CommandContext context)
    {
        var assignment = new Argument<string>("ID=PATH") { Description = "Id that requests name, and the GGUF file (of a split model, its first part)" };
        var data = CommonOptions.Data();
        var command = new Command("add", "Registers a model file under an id; a running server sees it at once") { assignment, data };
        command.SetAction(parse =>
        {
            var (id, path) = ModelId.ParseAssignment(parse.GetValue(assignment)!);
            var file = ModelSources.RequireFile(id, path);
            string architecture;
            try
            {
                using var gguf = GgufFile.Open(file);
                architecture = gguf.Metadata.GetString("general.architecture", "unknown");
            }
            catch (GgufException error)
            {
                throw new CommandException(ExitCode.Failed, $"{file} is not a usable GGUF file: {error.Message}");
            }
            var registered = RegisteredModels.Load(parse.GetValue(data) ?? context.Folders.Data);
            registered.Add(id, file);
            context.Output.Out.WriteLine($"{id} is registered: {file} ({architecture})");
            return ExitCode.Done;
        });
        return command;
    }
}
