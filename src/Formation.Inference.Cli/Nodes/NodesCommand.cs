using System.CommandLine;
using System.Globalization;
using Formation.Inference.Cli.Arguments;
using Formation.Inference.Cli.Client;
using Spectre.Console;

namespace Formation.Inference.Cli.Nodes;

/// <summary><c>form nodes</c>: the nodes of a server's network.</summary>
static class NodesCommand
{
    public static Command Create(CommandContext context)
    {
        var json = CommonOptions.Json();
        var events = new Option<bool>("--events") { Description = "What happened to nodes since the gateway started, newest last, in place of the list" };
        var url = CommonOptions.Url();
        var key = CommonOptions.Key();
        var command = new Command("nodes", "Lists the nodes of the network, what each has and whether it is online") { json, events, url, key };
        command.SetAction(async (parse, cancellationToken) =>
        {
            using var server = new ServerClient(ServerAddress.Resolve(parse, url, key, context));
            var nodes = new NodesClient(server);
            if (parse.GetValue(events))
                EventLines.Write(context.Output, await nodes.EventsAsync(cancellationToken), parse.GetValue(json));
            else
                ShowNodes(await nodes.ListAsync(cancellationToken), parse.GetValue(json));
            return ExitCode.Done;
        });
        return command;

        void ShowNodes(IReadOnlyList<NodeView> rows, bool asJson)
        {
            if (asJson)
                context.Output.WriteJson(rows, NodesOutputJson.Default.IReadOnlyListNodeView);
            else if (rows.Count == 0)
                context.Output.Note("There are no nodes yet; 'form node token create' shows how to add one.");
            else
                context.Output.Text.Write(TableOf(rows, context.Time.GetUtcNow()));
        }
    }

    private static Table TableOf(IReadOnlyList<NodeView> rows, DateTimeOffset now)
    {
        var table = new Table().Border(TableBorder.Simple).AddColumns("name", "state", "since", "region", "memory", "free", "device", "threads", "read");
        foreach (var row in rows)
            table.AddRow(
                row.Name,
                row.Draining ? $"{row.State}, draining" : row.State,
                Age(now - row.Since),
                Markup.Escape(row.Region.Length > 0 ? row.Region : "-"),
                row.MemoryBytes is { } memory ? ByteSize.Format(memory) : "-",
                row.FreeMemoryBytes is { } free ? ByteSize.Format(free) : "-",
                Markup.Escape(row.Devices.Count > 0 ? row.Devices[0].Name : "-"),
                row.Devices.Count > 0 ? row.Devices.Sum(device => device.Threads).ToString(CultureInfo.InvariantCulture) : "-",
                row.Devices.Count > 0 ? Speed(row.Devices.Sum(device => device.ReadBytesPerSecond)) : "-");
        return table;
    }

    /// <summary>Bytes a second for people.</summary>
    internal static string Speed(double bytesPerSecond) =>
        bytesPerSecond > 0 ? string.Create(CultureInfo.InvariantCulture, $"{bytesPerSecond / 1e9:0.##} GB/s") : "-";

    /// <summary>A time that has passed, in its largest unit.</summary>
    internal static string Age(TimeSpan age) => age switch
    {
        { TotalDays: >= 1 } => string.Create(CultureInfo.InvariantCulture, $"{(int)age.TotalDays} d"),
        { TotalHours: >= 1 } => string.Create(CultureInfo.InvariantCulture, $"{(int)age.TotalHours} h"),
        { TotalMinutes: >= 1 } => string.Create(CultureInfo.InvariantCulture, $"{(int)age.TotalMinutes} min"),
        _ => string.Create(CultureInfo.InvariantCulture, $"{Math.Max(0, (int)age.TotalSeconds)} s"),
    };
}
