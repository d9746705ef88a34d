using Formation.Inference.Cluster.Placement;
using Formation.Inference.Kernels.Machine;
using Formation.Inference.Node.Inventory;

namespace Formation.Inference.Cli.Planning;

/// <summary>The nodes that <c>form plan</c> plans for: those of a file, else this machine.</summary>
/// <param name="File">Value of <c>--nodes</c>, or null.</param>
/// <param name="DataFolder">Where this machine's measurements are kept.</param>
/// <param name="Threads">Threads of this machine that compute, or null for the default.</param>
/// <param name="MemoryBytes">Memory of this machine that models may take, or null for the default.</param>
/// <param name="MeasuresAgain">Whether this machine is measured although it was before.</param>
sealed record PlanNodes(string? File, string DataFolder, int? Threads, long? MemoryBytes, bool MeasuresAgain)
{
    /// <summary>Name of this machine where it is no node of a network.</summary>
    public const string ThisMachine = "this-machine";

    /// <exception cref="CommandException">The file can't be used, or this machine can't be measured.</exception>
    public IReadOnlyList<NodeOffer> Read(CommandContext context)
    {
        if (File is not null)
            return NodeFile.Read(File);
        try
        {
            if (MeasuresAgain && context.Output.ErrorIsTerminal)
                context.Output.Note("Measuring this machine ...");
            var report = new MachineInventory(context.Time).Describe(new InventoryOptions
            {
                Name = ThisMachine,
                Threads = Threads,
                MemoryBytes = MemoryBytes ?? MachineDescription.Read().MemoryAvailableBytes / 4 * 3,
                DataFolder = DataFolder,
                MeasuresAgain = MeasuresAgain,
            });
            return [new NodeOffer(report) { IsTrusted = true }];
        }
        catch (InvalidOperationException error)
        {
            throw new CommandException(ExitCode.Failed, $"This machine can't be measured: {error.Message}.");
        }
    }
}
