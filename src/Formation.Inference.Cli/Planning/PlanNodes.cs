using Formation.Inference.Cli.Client;
using Formation.Inference.Cluster.Placement;
using Formation.Inference.Kernels.Machine;
using Formation.Inference.Node.Inventory;

namespace Formation.Inference.Cli.Planning;

/// <summary>
/// The nodes that <c>form plan</c> plans for: those of a file, else those of the server that this user is signed in to, else this machine.
/// </summary>
/// <param name="File">Value of <c>--nodes</c>, or null.</param>
/// <param name="Url">Value of <c>--url</c>, or null.</param>
/// <param name="Key">Value of <c>--key</c>, or null.</param>
/// <param name="DataFolder">Where this machine's measurements are kept.</param>
/// <param name="Threads">Threads of this machine that compute, or null for the default.</param>
/// <param name="MemoryBytes">Memory of this machine that models may take, or null for the default.</param>
/// <param name="MeasuresAgain">Whether this machine is measured although it was before.</param>
sealed record PlanNodes(string? File, string? Url, string? Key, string DataFolder, int? Threads, long? MemoryBytes, bool MeasuresAgain)
{
    /// <summary>Name of this machine where it is no node of a network.</summary>
    public const string ThisMachine = "this-machine";

    // Who says what this machine gives to models, or has it measured, means this machine.
    private bool MeansThisMachine => Url is null && (Threads is not null || MemoryBytes is not null || MeasuresAgain);

    /// <exception cref="CommandException">The file can't be used, the server that was named does not answer, or this machine can't be measured.</exception>
    public async Task<IReadOnlyList<NodeOffer>> ReadAsync(CommandContext context, CancellationToken cancellationToken)
    {
        if (File is not null)
            return NodeFile.Read(File);
        if (!MeansThisMachine
            && await ClusterNodes.ReadAsync(ServerAddress.Resolve(Url, Key, context), Url is not null, cancellationToken) is { } nodes)
            return nodes;
        return [OfThisMachine(context)];
    }

    private NodeOffer OfThisMachine(CommandContext context)
    {
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
            return new NodeOffer(report) { IsTrusted = true };
        }
        catch (InvalidOperationException error)
        {
            throw new CommandException(ExitCode.Failed, $"This machine can't be measured: {error.Message}.");
        }
    }
}
