namespace Formation.Inference.Cli.Arguments;

/// <summary>How many threads compute where nobody says.</summary>
static class MachineThreads
{
    /// <summary>The processors that this process may use: affinity and the control group's quota are counted in by the runtime.</summary>
    public static int Default => Environment.ProcessorCount;
}
