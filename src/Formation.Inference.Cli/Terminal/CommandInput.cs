namespace Formation.Inference.Cli.Terminal;

/// <summary>Where a command reads from.</summary>
/// <param name="Text">Standard input as text.</param>
/// <param name="OpenBytes">Standard input as bytes.</param>
/// <param name="IsTerminal">Whether a person types it.</param>
public sealed record CommandInput(TextReader Text, Func<Stream> OpenBytes, bool IsTerminal)
{
    /// <summary>The input of the running process.</summary>
    public static CommandInput ForThisProcess() => new(Console.In, Console.OpenStandardInput, !Console.IsInputRedirected);
}
