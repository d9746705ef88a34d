using System.CommandLine;
using Formation.Inference.Cli.Arguments;

namespace Formation.Inference.Cli.Models;

/// <summary><c>form models inspect</c>: what is in a model file, and what running it would take. Reads the header only.</summary>
static class InspectCommand
{
    public static Command Create(CommandContext context)
    {
        var path = new Argument<string>("FILE") { Description = "GGUF file; of a split model any part" };
        var json = CommonOptions.Json();
        var command = new Command("inspect", "Shows what is in a model file, and the memory that it needs") { path, json };
        command.SetAction(parse =>
        {
            using var file = ModelFile.Open(parse.GetValue(path)!);
            var report = InspectReport.Of(file);
            if (parse.GetValue(json))
                context.Output.WriteJson(report, InspectJson.Default.InspectReport);
            else
                InspectView.Write(context.Output, report);
            return ExitCode.Done;
        });
        return command;
    }
}
