using System.Text.Json;
using System.Text.Json.Serialization.Metadata;
using Spectre.Console;

namespace Formation.Inference.Cli.Terminal;

/// <summary>
/// Where a command writes: what a person or script reads goes to standard output, as text or as one JSON document; progress and diagnostics
/// go to standard error, moving bars only where that is a terminal.
/// </summary>
public sealed class CommandOutput
{
    public CommandOutput(TextWriter standardOutput, TextWriter standardError, bool outputIsTerminal, bool errorIsTerminal)
    {
        Out = standardOutput;
        OutputIsTerminal = outputIsTerminal;
        ErrorIsTerminal = errorIsTerminal;
        Text = Console(standardOutput, outputIsTerminal);
        Progress = Console(standardError, errorIsTerminal);
        Error = standardError;
    }

    /// <summary>The output of the running process.</summary>
    public static CommandOutput ForThisProcess() => new(
        System.Console.Out, System.Console.Error, !System.Console.IsOutputRedirected, !System.Console.IsErrorRedirected);

    /// <summary>Standard output as it is.</summary>
    public TextWriter Out { get; }

    /// <summary>Standard error as it is.</summary>
    public TextWriter Error { get; }

    /// <summary>Standard output for tables and styled text.</summary>
    public IAnsiConsole Text { get; }

    /// <summary>Standard error for progress bars.</summary>
    public IAnsiConsole Progress { get; }

    public bool OutputIsTerminal { get; }

    public bool ErrorIsTerminal { get; }

    /// <summary>Writes the one JSON document of a command that was called with <c>--json</c>.</summary>
    public void WriteJson<T>(T value, JsonTypeInfo<T> type) => Out.WriteLine(JsonSerializer.Serialize(value, type));

    /// <summary>Writes a line of progress or diagnosis to standard error.</summary>
    public void Note(string line) => Error.WriteLine(line);

    static IAnsiConsole Console(TextWriter writer, bool isTerminal)
    {
        var console = AnsiConsole.Create(new AnsiConsoleSettings
        {
            Out = new AnsiConsoleOutput(writer),
            Ansi = isTerminal ? AnsiSupport.Detect : AnsiSupport.No,
            Interactive = isTerminal ? InteractionSupport.Detect : InteractionSupport.No,
        });
        // Tables in a pipe are for other programs: a fixed generous width keeps a row on one line.
        if (!isTerminal)
            console.Profile.Width = 200;
        return console;
    }
}
