using System.CommandLine;
using Formation.Inference.Cli.Arguments;
using Formation.Inference.Engine.Gguf;
using Formation.Inference.Engine.Tokenization;

namespace Formation.Inference.Cli.Models;

/// <summary><c>form models tokenize</c>: the token ids of standard input, whose bytes are taken as they are.</summary>
static class TokenizeCommand
{
    /// <summary>Input beyond this is refused: no model has a context for it.</summary>
    public const int MaximumBytes = 64 << 20;

    public static Command Create(CommandContext context)
    {
        var path = new Argument<string>("FILE") { Description = "GGUF file; one with a vocabulary only will do" };
        var noSpecial = new Option<bool>("--no-special")
        {
            Description = "Special tokens in the text are plain text, and none is added in front or behind",
        };
        var json = CommonOptions.Json();
        var command = new Command("tokenize", "Shows the token ids of standard input, as one text") { path, noSpecial, json };
        command.SetAction(async (parse, cancellationToken) =>
        {
            var ids = Encode(
                parse.GetValue(path)!, await ReadAllAsync(context.Input, cancellationToken), special: !parse.GetValue(noSpecial), cancellationToken);
            if (parse.GetValue(json))
                context.Output.Out.WriteLine($"{{\"ids\":[{string.Join(',', ids)}]}}");
            else
                context.Output.Out.WriteLine(string.Join(' ', ids));
            return ExitCode.Done;
        });
        return command;
    }

    private static int[] Encode(string path, ReadOnlySpan<byte> text, bool special, CancellationToken cancellationToken)
    {
        using var file = ModelFile.Open(path);
        try
        {
            return Tokenizer.FromGguf(file.Metadata).EncodeUtf8(text, trusted: special, addSpecial: special, cancellationToken: cancellationToken);
        }
        catch (Exception error) when (error is VocabularyException or GgufException)
        {
            throw new CommandException(ExitCode.Failed, $"{path}: {error.Message}");
        }
    }

    private static async Task<byte[]> ReadAllAsync(Terminal.CommandInput input, CancellationToken cancellationToken)
    {
        await using var stream = input.OpenBytes();
        using var text = new MemoryStream();
        var buffer = new byte[81_920];
        int count;
        while ((count = await stream.ReadAsync(buffer, cancellationToken)) > 0)
        {
            if (text.Length + count > MaximumBytes)
                throw new CommandException(ExitCode.WrongUsage, $"The input has more than {ByteSize.Format(MaximumBytes)}; give less.");
            text.Write(buffer, 0, count);
        }
        return text.ToArray();
    }
}
