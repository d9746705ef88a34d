namespace Formation.Inference.Cli.Inference;

/// <summary>Reads lines from the terminal and answers each, until the end of input or <c>/exit</c>. Ctrl+C ends an answer, then the chat.</summary>
sealed class InteractiveChat(CommandContext context, ChatSession chat)
{
    public async Task<int> RunAsync(CancellationToken cancellationToken)
    {
        context.Output.Note("Type a message. /new begins anew, /exit ends; Ctrl+C stops an answer.");
        using var interrupts = new AnswerInterrupts();
        while (true)
        {
            context.Output.Error.Write("> ");
            await context.Output.Error.FlushAsync(cancellationToken);
            var line = await context.Input.Text.ReadLineAsync(cancellationToken);
            switch (line?.Trim())
            {
                case null or "/exit" or "/quit":
                    return ExitCode.Done;
                case "":
                    continue;
                case "/new":
                    chat.Forget();
                    continue;
                case ['/', ..] command:
                    context.Output.Note($"'{command}' is not a command; there are /new and /exit");
                    continue;
                case { } text:
                    await AnswerAsync(text, interrupts, cancellationToken);
                    continue;
            }
        }
    }

    // A failed turn is told and the chat goes on: the next message may well succeed.
    private async Task AnswerAsync(string text, AnswerInterrupts interrupts, CancellationToken cancellationToken)
    {
        using var answer = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        using (interrupts.During(answer))
        {
            try
            {
                await chat.SayAsync(text, json: false, answer.Token);
            }
            catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
            {
                context.Output.Note("");
                context.Output.Note("(stopped)");
            }
            catch (CommandException error) when (error.ExitCode != ExitCode.NotAuthorised)
            {
                context.Output.Note(error.Message);
            }
        }
    }
}
