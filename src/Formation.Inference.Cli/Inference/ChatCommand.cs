using System.CommandLine;
using Formation.Inference.Cli.Arguments;
using Formation.Inference.Cli.Client;

namespace Formation.Inference.Cli.Inference;

/// <summary><c>form inference chat</c>: one answer, or an interactive chat where no prompt is given.</summary>
static class ChatCommand
{
    public static Command Create(CommandContext context)
    {
        var prompt = new Argument<string?>("PROMPT")
        {
            Description = "What to say; '-' reads it from standard input; without it the chat is interactive",
            Arity = ArgumentArity.ZeroOrOne,
        };
        var system = new Option<string?>("--system") { Description = "System message that opens the conversation", HelpName = "TEXT" };
        var generation = new GenerationOptions();
        var json = CommonOptions.Json();
        var url = CommonOptions.Url();
        var key = CommonOptions.Key();
        var command = new Command("chat", "Streams a model's answer to a message") { prompt, system, json, url, key };
        generation.AddTo(command);
        command.SetAction(async (parse, cancellationToken) =>
        {
            using var client = new ServerClient(ServerAddress.Resolve(parse, url, key, context));
            var chat = new ChatSession(context, client, generation.Body(parse), parse.GetValue(system));
            var asJson = parse.GetValue(json);
            var text = parse.GetValue(prompt);
            if (text is null && context.Input.IsTerminal)
                return await new InteractiveChat(context, chat).RunAsync(cancellationToken);
            // A pipe without a prompt is the prompt: `echo hello | form inference chat`.
            if (text is null or "-")
                text = (await context.Input.Text.ReadToEndAsync(cancellationToken)).TrimEnd('\n', '\r');
            if (text.Length == 0)
                throw new CommandException(ExitCode.WrongUsage, "The prompt is empty; give it as an argument or on standard input.");
            await chat.SayAsync(text, asJson, cancellationToken);
            return ExitCode.Done;
        });
        return command;
    }
}
