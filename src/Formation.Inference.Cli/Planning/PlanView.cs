using System.Globalization;
using Formation.Inference.Cli.Arguments;
using Formation.Inference.Cli.Models;
using Formation.Inference.Cli.Terminal;
using Formation.Inference.Cluster.Placement;
using Spectre.Console;

namespace Formation.Inference.Cli.Planning;

/// <summary>A <see cref="PlanReport"/> as a person reads it.</summary>
static class PlanView
{
    public static void Write(CommandOutput output, PlanReport report)
    {
        var (model, request, result) = (report.Model, report.Request, report.Result);
        output.Out.WriteLine(
            $"{model.Id}: {ParameterCount.Format(model.Parameters)} parameters in {model.Layers} layers, {ByteSize.Format(model.WeightBytes)} of weights, "
            + $"{ByteSize.Format(model.KvBytesPerPosition)} of keys and values ({model.KvFormat}) for a position");
        output.Out.WriteLine(
            $"Promised: {Number(request.ContextLength)} positions for each of {Number(request.Concurrency)} at once"
            + (request.Spares > 0 ? $", {request.Spares} spare" : "")
            + (request.Regions.Count > 0 ? $", only in {string.Join(", ", request.Regions)}" : "")
            + (request.TrustedOnly ? ", trusted nodes only" : ""));
        if (result.Plan is { } plan)
            Write(output, plan, request);
        else
            output.Out.WriteLine("No plan is possible.");
        if (result.Alternatives.Count > 0)
            output.Text.Write(Alternatives(result));
        foreach (var reason in result.Reasons)
            output.Out.WriteLine($"- {reason}");
        foreach (var note in result.Plan?.Notes ?? [])
            output.Out.WriteLine($"- {note}");
        foreach (var node in result.LeftOut)
            output.Out.WriteLine($"- node {node.Node} left out: {node.Reason}");
    }

    private static void Write(CommandOutput output, PlacementPlan plan, PlacementRequest request)
    {
        foreach (var (replica, i) in plan.Replicas.Select((replica, i) => (replica, i)))
        {
            if (plan.Replicas.Count > 1)
                output.Out.WriteLine($"Replica {i + 1}, {Number(replica.Sequences)} at once");
            output.Text.Write(Stages(replica));
        }
        foreach (var spare in plan.Spares)
            output.Out.WriteLine(
                $"Spare: {spare.Node}, {ByteSize.Format(spare.Bytes)} of {ByteSize.Format(spare.FreeBytes)}; "
                + $"a token takes at most {Milliseconds(spare.SecondsPerToken)} ms after it took over");
        output.Out.WriteLine(
            $"Predicted: {Rate(plan.Speed.OneStream)} tokens/s of one stream"
            + (request.Concurrency > 1 ? $", {Rate(plan.Speed.AllStreams)} of {Number(request.Concurrency)} together" : "")
            + $"; first token after {Seconds(plan.Speed.FirstTokenSeconds)} s for a prompt of {Number(Math.Min(request.PromptLength, request.ContextLength))}");
    }

    private static Table Stages(ReplicaPlan replica)
    {
        var table = Columns("stage", "node", "layers", "weights", "keys, values", "boundary", "scratch", "together", "of free", "ms a token");
        for (var i = 0; i < replica.Stages.Count; i++)
        {
            var stage = replica.Stages[i];
            var memory = stage.Memory;
            table.AddRow(
                i == 0 ? "head" : $"{i}",
                Markup.Escape(string.Join(" + ", stage.Nodes)),
                stage.Layers.Count == 1 ? $"{stage.Layers.First}" : $"{stage.Layers.First}-{stage.Layers.End - 1}",
                ByteSize.Format(memory.Weights),
                ByteSize.Format(memory.KeysAndValues),
                ByteSize.Format(memory.Boundary),
                ByteSize.Format(memory.Scratch),
                ByteSize.Format(memory.Total),
                ByteSize.Format(stage.FreeBytes),
                Milliseconds(stage.SecondsPerToken));
        }
        foreach (var link in replica.Links)
            table.AddRow(
                "link", Markup.Escape($"{link.From} to {link.To}"), link.Precision.ToString().ToLowerInvariant(),
                "", "", "", "", "", "", Milliseconds(link.SecondsPerToken));
        return table;
    }

    private static Table Alternatives(PlacementResult result)
    {
        var table = Columns("other plans", "nodes", "tokens/s of one", "of all", "first token, s");
        foreach (var plan in result.Alternatives)
            table.AddRow(
                Markup.Escape(string.Join("; ", plan.Replicas.Select(Describe))),
                Number(plan.NodeCount) + (plan.NeedsTensorParallel ? " (tensor parallel)" : ""),
                Rate(plan.Speed.OneStream),
                Rate(plan.Speed.AllStreams),
                Seconds(plan.Speed.FirstTokenSeconds));
        return table;
    }

    private static string Describe(ReplicaPlan replica) => string.Join(
        ", ", replica.Stages.Select(stage => $"{string.Join(" + ", stage.Nodes)} {stage.Layers.First}-{stage.Layers.End - 1}"));

    private static Table Columns(params string[] names)
    {
        var table = new Table().Border(TableBorder.Simple).AddColumns(names);
        foreach (var column in table.Columns.Skip(2))
            column.NoWrap().RightAligned();
        return table;
    }

    private static string Number(int value) => value.ToString("N0", CultureInfo.InvariantCulture);

    private static string Rate(double value) => value.ToString(value < 10 ? "0.00" : "0.0", CultureInfo.InvariantCulture);

    private static string Milliseconds(double seconds) => (seconds * 1e3).ToString(seconds < 0.1 ? "0.00" : "0.0", CultureInfo.InvariantCulture);

    private static string Seconds(double seconds) => seconds.ToString("0.00", CultureInfo.InvariantCulture);
}
