using System.Globalization;
using Formation.Inference.Cli.Terminal;

namespace Formation.Inference.Cli.Nodes;

/// <summary>What happened to nodes and deployments, a line each.</summary>
static class EventLines
{
    public static void Write(CommandOutput output, IReadOnlyList<NodeEventView> events, bool asJson)
    {
        if (asJson)
            output.WriteJson(events, NodesOutputJson.Default.IReadOnlyListNodeEventView);
        else
            foreach (var entry in events)
                output.Out.WriteLine($"{entry.Time.UtcDateTime.ToString("u", CultureInfo.InvariantCulture)}  {entry.Node,-16} {entry.Kind,-12} {entry.Reason}");
    }
}
