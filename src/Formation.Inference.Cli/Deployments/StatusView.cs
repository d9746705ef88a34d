using System.Globalization;
using Formation.Inference.Cli.Arguments;
using Formation.Inference.Cli.Terminal;
using Spectre.Console;

namespace Formation.Inference.Cli.Deployments;

/// <summary>Deployments as a person reads them: what was predicted beside what was measured.</summary>
static class StatusView
{
    public static void Write(CommandOutput output, DeploymentView deployment)
    {
        output.Out.WriteLine($"{deployment.Model}: {deployment.State}{(deployment.State == "loading" ? $", {deployment.Progress:P0}" : "")}");
        if (Bounds(deployment) is { Length: > 0 } bounds)
            output.Out.WriteLine(bounds);
        if (deployment.Change.Length > 0)
            output.Out.WriteLine($"- under way: {deployment.Change}");
        if (deployment.Reason.Length > 0)
            output.Out.WriteLine($"- {deployment.Reason}");
        foreach (var (replica, i) in deployment.Replicas.Select((replica, i) => (replica, i)))
        {
            output.Out.WriteLine(
                $"Replica {i + 1}: {(replica.Retiring ? "ends with its last stream" : replica.Ready ? "ready" : "not ready")}, {replica.RunningRequests} of {replica.Sequences} sequences; one stream "
                + $"{Rate(replica.PredictedTokensPerSecond)} tokens/s predicted, {Measured(replica.MeasuredTokensPerSecond)}; together "
                + $"{Rate(replica.PredictedTokensPerSecondTogether)} predicted, {Measured(replica.MeasuredTokensPerSecondTogether)}");
            if (replica.Recoveries > 0)
                output.Out.WriteLine(string.Create(
                    CultureInfo.InvariantCulture, $"{replica.Recoveries} stages were replaced while it ran; the longest pause took {replica.LongestPauseSeconds:0.0} s"));
            output.Text.Write(TableOf(replica.Workers));
        }
        if (deployment.Standbys.Count > 0)
            output.Text.Write(TableOf(deployment.Standbys));
    }

    // What may change by itself; nothing where nothing does.
    private static string Bounds(DeploymentView deployment)
    {
        var replicas = deployment.MostReplicas is { } most ? $"{deployment.LeastReplicas} to {most} replicas" : "";
        var idle = deployment.IdleSeconds > 0 ? $"idle after {TimeSpan.FromSeconds(deployment.IdleSeconds):g} without a request" : "";
        return string.Join("; ", new[] { replicas, idle }.Where(text => text.Length > 0));
    }

    private static Table TableOf(IReadOnlyList<WorkerView> workers)
    {
        var table = new Table().Border(TableBorder.Simple).AddColumns("worker", "node", "layers", "memory", "fetched", "state", "");
        foreach (var worker in workers)
            table.AddRow(
                worker.Role,
                Markup.Escape(worker.Node),
                worker.Layers == 0 ? "-" : worker.Layers == 1 ? $"{worker.FirstLayer}" : $"{worker.FirstLayer}-{worker.FirstLayer + worker.Layers - 1}",
                ByteSize.Format(worker.MemoryBytes),
                worker.FetchedBytes > 0 ? ByteSize.Format(worker.FetchedBytes) : "-",
                worker.State is "fetching" or "loading" ? string.Create(CultureInfo.InvariantCulture, $"{worker.State} {worker.Progress * 100:0} %") : worker.State,
                Markup.Escape(worker.Reason));
        return table;
    }

    private static string Measured(double? rate) => rate is { } value ? $"{Rate(value)} measured" : "not measured yet";

    private static string Rate(double value) => value.ToString(value < 10 ? "0.00" : "0.0", CultureInfo.InvariantCulture);
}
