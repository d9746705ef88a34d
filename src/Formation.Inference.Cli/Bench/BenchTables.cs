using System.Globalization;
using Formation.Inference.Cli.Arguments;
using Formation.Inference.Cli.Bench.Http;
using Formation.Inference.Cli.Models;
using Formation.Inference.Cli.Terminal;
using Spectre.Console;

namespace Formation.Inference.Cli.Bench;

/// <summary>Shows reports to people.</summary>
static class BenchTables
{
    public static void Show(CommandOutput output, BenchReport report)
    {
        var machine = report.Machine;
        output.Out.WriteLine(
            $"{report.Model}, {ParameterCount.Format(report.Parameters)} parameters, {string.Join(" + ", report.Weights.Formats.Select(format => format.Format))}, "
            + $"{report.Threads} threads, {report.Kernels} kernels");
        foreach (var format in report.Weights.Formats)
            output.Out.WriteLine($"{format.Format}: {format.Kernel}");
        output.Out.WriteLine(
            $"{machine.Processor}, {machine.Cores} cores, {ByteSize.Format(machine.MemoryBytes)} of memory"
            + (report.Results.Any(result => result.Bandwidth is not null) ? "" : ", its bandwidth not measured"));
        output.Out.WriteLine(
            $"File {ByteSize.Format(report.Memory.FileBytes)}, a step of decoding reads {ByteSize.Format(report.Weights.BytesPerStep)}; "
            + $"resident {ByteSize.Format(report.Memory.ResidentBytes)} with {ByteSize.Format(report.Memory.KvBytes)} of keys and values");
        if (report.Peer is { } peer)
            output.Out.WriteLine($"Peer: {peer.Engine} ({peer.Package}), {peer.Kernels} kernels, resident {ByteSize.Format(peer.ResidentBytes)}");
        output.Text.Write(SpeedsOf(report));
        if (report.FirstTokens is { } waits)
            Show(output, waits);
    }

    public static void Show(CommandOutput output, HttpReport report)
    {
        output.Out.WriteLine($"{report.Model} at {report.Url}");
        if (report.Results.Count > 0)
        {
            var table = NewTable("test", "tokens/s (median)", "least", "most");
            foreach (var (test, speed) in report.Results)
                table.AddRow(test, Number(speed.Median), Number(speed.Min), Number(speed.Max));
            output.Text.Write(table);
        }
        Show(output, report.FirstTokens);
    }

    private static Table SpeedsOf(BenchReport report)
    {
        var withPeer = report.Peer is not null;
        var withHttp = report.Results.Any(result => result.Http is not null);
        string[] columns =
        [
            "test", "tokens/s (median)", "least", "most", "memory GB/s", "used",
            .. withPeer ? ["peer", "least", "most", "ratio"] : Array.Empty<string>(),
            .. withHttp ? ["HTTP", "of in process"] : Array.Empty<string>(),
        ];
        var table = NewTable(columns);
        foreach (var (test, speed, memory, peer, http) in report.Results)
            table.AddRow(
            [
                test, Number(speed.Median), Number(speed.Min), Number(speed.Max), .. OfMemory(memory),
                .. withPeer ? OfPeer(peer) : [],
                .. withHttp ? OfHttp(http) : [],
            ]);
        return table;
    }

    private static string[] OfMemory(BandwidthUse? memory) => memory is null
        ? ["", ""]
        : [(memory.ReadBytesPerSecond.Median / 1e9).ToString("N1", CultureInfo.InvariantCulture), Percent(memory.Share)];

    private static string[] OfPeer(ComparedSpeed? peer) => peer is null
        ? ["", "", "", ""]
        : [Number(peer.TokensPerSecond.Median), Number(peer.TokensPerSecond.Min), Number(peer.TokensPerSecond.Max), $"{Number(peer.Ratio)} x"];

    private static string[] OfHttp(ComparedSpeed? http) => http is null ? ["", ""] : [Number(http.TokensPerSecond.Median), Percent(http.Ratio)];

    private static void Show(CommandOutput output, IReadOnlyList<FirstTokenResult> waits)
    {
        if (waits.Count == 0)
            return;
        var table = NewTable("prompt over HTTP", "cached", "first token, s (median)", "least", "most");
        foreach (var (prompt, cached, seconds) in waits)
            table.AddRow($"{prompt} tokens", $"{cached}", Seconds(seconds.Median), Seconds(seconds.Min), Seconds(seconds.Max));
        output.Text.Write(table);
    }

    private static Table NewTable(params string[] columns) => new Table().Border(TableBorder.Simple).AddColumns(columns);

    private static string Number(double value) => value.ToString(value < 10 ? "N2" : value < 1000 ? "N1" : "N0", CultureInfo.InvariantCulture);

    private static string Seconds(double value) => value.ToString("N3", CultureInfo.InvariantCulture);

    private static string Percent(double value) => value.ToString("P0", CultureInfo.InvariantCulture);
}
