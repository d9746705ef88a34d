using Formation.Inference.Cli.Terminal;

namespace Formation.Inference.Cli;

/// <summary>All that a command touches outside its arguments, so that tests run commands in process with their own.</summary>
/// <param name="Output">Standard output and error.</param>
/// <param name="Input">Standard input.</param>
/// <param name="Folders">Where this user's files lie.</param>
/// <param name="Environment">The value of an environment variable, or null.</param>
/// <param name="Time">The clock.</param>
public sealed record CommandContext(
    CommandOutput Output,
    CommandInput Input,
    UserFolders Folders,
    Func<string, string?> Environment,
    TimeProvider Time)
{
    /// <summary>The context of the running process.</summary>
    public static CommandContext ForThisProcess() => new(
        CommandOutput.ForThisProcess(),
        CommandInput.ForThisProcess(),
        UserFolders.From(System.Environment.GetEnvironmentVariable),
        System.Environment.GetEnvironmentVariable,
        TimeProvider.System);
}
