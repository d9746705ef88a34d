namespace Formation.Inference.Cli;

/// <summary>What the process returns; scripts rely on these numbers (docs/cli.md).</summary>
public static class ExitCode
{
    public const int Done = 0;
    public const int Failed = 1;
    public const int WrongUsage = 2;
    public const int ServerNotReachable = 3;
    public const int NotAuthorised = 4;
    public const int NotFound = 5;
}
