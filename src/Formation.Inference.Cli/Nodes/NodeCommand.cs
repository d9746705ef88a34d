using System.CommandLine;

namespace Formation.Inference.Cli.Nodes;

/// <summary><c>form node ...</c>: adds machines to a network, and manages one.</summary>
static class NodeCommand
{
    public static Command Create(CommandContext context) => new("node", "Add machines to a network, and manage them")
    {
        TokenCommand.Create(context),
        JoinCommand.Create(context),
        NodeActions.Inspect(context),
        NodeActions.Drain(context),
        NodeActions.Remove(context),
        WorkerCommandLine.Create(context),
    };
}
