using System.CommandLine;
using Formation.Inference.Cli.Arguments;
using Formation.Inference.Cli.Client;

namespace Formation.Inference.Cli.Inference;

/// <summary><c>form inference complete</c>: continues a text.</summary>
static class CompleteCommand
{
    public static Command Create(CommandContext context)
    {
        var prompt = new Argument<string?>("PROMPT")
        {
            Description = "Text to continue; '-' or nothing reads it from standard input",
            Arity = ArgumentArity.ZeroOrOne,
        };
        var echo = new Option<bool>("--echo") { Description = "Show the prompt in front of its continuation" };
        var generation = new GenerationOptions();
        var json = CommonOptions.Json();
        var url = CommonOptions.Url();
        var key = CommonOptions.Key();
        var command = new Command("complete", "Streams a model's continuation of a text") { prompt, echo, json, url, key };
        generation.AddTo(command);
        command.SetAction(async (parse, cancellationToken) =>
        {
            using var client = new ServerClient(ServerAddress.Resolve(parse, url, key, context));
            var text = parse.GetValue(prompt) is { } given and not "-"
                ? given
                : await context.Input.Text.ReadToEndAsync(cancellationToken);
            var body = generation.Body(parse);
            body["prompt"] = text;
            body["echo"] = parse.GetValue(echo);
            await AnswerPrinter.PrintAsync(context, client, "/v1/completions", body, parse.GetValue(json), cancellationToken);
            return ExitCode.Done;
        });
        return command;
    }
}
