namespace Formation.Inference.Cli;

/// <summary>An expected failure of a command: its message is shown as it is, and the process ends with its code.</summary>
/// <param name="exitCode">One of <see cref="ExitCode"/>.</param>
/// <param name="message">One or two lines: what was wrong, with which value, what to do.</param>
public sealed class CommandException(int exitCode, string message) : Exception(message)
{
    public int ExitCode { get; } = exitCode;
}
