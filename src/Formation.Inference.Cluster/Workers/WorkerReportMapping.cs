using System.Diagnostics.CodeAnalysis;
using Formation.Inference.Cluster.Identity;
using Formation.Inference.Cluster.Nodes;
using Formation.Inference.Cluster.Nodes.Control;
using Wire = Formation.Inference.Cluster.Nodes.Control.Wire;

namespace Formation.Inference.Cluster.Workers;

/// <summary>What a node says of its workers, as messages and back. A list from outside is read whole or refused.</summary>
public static class WorkerReportMapping
{
    private const double MostPerSecond = 1e9;
    private const long MostMicroseconds = 60_000_000;

    /// <summary>The message of a node's reports.</summary>
    public static Wire.WorkerReports ToWire(IEnumerable<WorkerReport> reports) => new() { Workers = { reports.Select(ToWire) } };

    /// <summary>Reads what a node says.</summary>
    /// <param name="wire">The message.</param>
    /// <param name="reports">The reports by id, where all of them keep to the limits.</param>
    /// <param name="fault">Else the first thing that is wrong.</param>
    public static bool TryRead(
        Wire.WorkerReports wire, [NotNullWhen(true)] out IReadOnlyDictionary<string, WorkerReport>? reports, [NotNullWhen(false)] out string? fault)
    {
        reports = null;
        fault = wire.Workers.Count > ControlLimits.Workers
            ? $"it reports {wire.Workers.Count} workers; {ControlLimits.Workers} are allowed"
            : wire.Workers.Select(FaultOf).FirstOrDefault(found => found is not null);
        if (fault is not null)
            return false;
        reports = wire.Workers.Select(Read).DistinctBy(report => report.Id).ToDictionary(report => report.Id, StringComparer.Ordinal);
        return true;
    }

    private static Wire.WorkerReport ToWire(WorkerReport report) => new()
    {
        Id = report.Id,
        State = (Wire.WorkerState)((int)report.State + 1),
        Progress = report.Progress,
        FetchedBytes = report.FetchedBytes,
        Reason = WireText.Plain(report.Reason),
        Pin = report.Pin?.Text ?? "",
        Addresses = { report.Addresses },
        Chain = { report.Chain },
        Lost = { report.Lost.Select(lost => new Wire.LostWorker { Id = lost.Id, Reason = WireText.Plain(lost.Reason) }) },
        RequestsBegun = report.Figures.RequestsBegun,
        RunningRequests = report.Figures.RunningRequests,
        OneStreamTokensPerSecond = report.Figures.OneStreamTokensPerSecond,
        TokensPerSecond = report.Figures.TokensPerSecond,
        Recoveries = report.Figures.Recoveries,
        LongestPauseSeconds = report.Figures.LongestPauseSeconds,
        RowsComputed = report.Work.RowsComputed,
        RowsRebuilt = report.Work.RowsRebuilt,
        BoundaryBytes = report.Work.BoundaryBytes,
        DecodeSteps = report.Decode.Steps,
        DecodeRows = report.Decode.Rows,
        DecodePositions = report.Decode.Positions,
        DecodeSeconds = report.Decode.Seconds,
        Links =
        {
            report.Links.Select(link => new Wire.WorkerLink
            {
                Id = link.Id,
                RoundTripMicroseconds = (long)link.RoundTrip.TotalMicroseconds,
                SentBytes = link.SentBytes,
                ReceivedBytes = link.ReceivedBytes,
            }),
        },
    };

    private static WorkerReport Read(Wire.WorkerReport wire) => new(wire.Id, (WorkerState)((int)wire.State - 1))
    {
        Progress = wire.Progress,
        FetchedBytes = wire.FetchedBytes,
        Reason = WireText.Plain(wire.Reason),
        Pin = KeyPin.TryParse(wire.Pin, out var pin) ? pin : null,
        Addresses = [.. wire.Addresses],
        Chain = [.. wire.Chain],
        Lost = [.. wire.Lost.Select(lost => new LostWorker(lost.Id, WireText.Plain(lost.Reason)))],
        Figures = new HeadFigures(
            wire.RunningRequests, wire.OneStreamTokensPerSecond, wire.TokensPerSecond, wire.Recoveries, wire.LongestPauseSeconds)
        {
            RequestsBegun = wire.RequestsBegun,
        },
        Work = new StageFigures(wire.RowsComputed, wire.RowsRebuilt, wire.BoundaryBytes),
        Decode = new DecodeWork(wire.DecodeSteps, wire.DecodeRows, wire.DecodePositions, wire.DecodeSeconds),
        Links =
        [
            .. wire.Links.Select(link => new WorkerLink(
                link.Id, TimeSpan.FromMicroseconds(link.RoundTripMicroseconds), link.SentBytes, link.ReceivedBytes)),
        ],
    };

    private static string? FaultOf(Wire.WorkerReport report)
    {
        if (!WorkerId.IsValid(report.Id))
            return $"a worker's id is not {WorkerId.Length} hexadecimal digits";
        if (report.State is Wire.WorkerState.Unspecified || !Enum.IsDefined(report.State))
            return $"a worker's state {(int)report.State} is not known";
        if (report.Pin.Length > 0 && !KeyPin.TryParse(report.Pin, out _))
            return "a worker's key is malformed";
        if (report.Addresses.Count > ControlLimits.Addresses || !report.Addresses.All(PeerAddress.IsValid))
            return $"a worker's addresses are more than {ControlLimits.Addresses} or not of the form host:port or relay:PIN";
        if (report.Chain.Count > ControlLimits.ChainWorkers || report.Lost.Count > ControlLimits.ChainWorkers
            || report.Links.Count > ControlLimits.ChainWorkers
            || !report.Chain.All(WorkerId.IsValid) || !report.Lost.All(lost => WorkerId.IsValid(lost.Id)) || !report.Links.All(link => WorkerId.IsValid(link.Id)))
            return $"a head names more than {ControlLimits.ChainWorkers} stages, or one that has no worker's id";
        return report.FetchedBytes >= 0 && report.RunningRequests >= 0 && report.Recoveries >= 0 && IsWithin(report.Progress, 1)
            && IsWithin(report.OneStreamTokensPerSecond, MostPerSecond) && IsWithin(report.TokensPerSecond, MostPerSecond)
            && IsWithin(report.LongestPauseSeconds, MostPerSecond) && IsWithin(report.DecodeSeconds, MostPerSecond)
            && report is { RowsComputed: >= 0, RowsRebuilt: >= 0, BoundaryBytes: >= 0, RequestsBegun: >= 0, DecodeSteps: >= 0, DecodeRows: >= 0, DecodePositions: >= 0 }
            && report.Links.All(link => link is { RoundTripMicroseconds: >= 0 and < MostMicroseconds, SentBytes: >= 0, ReceivedBytes: >= 0 })
                ? null
                : "a worker's figures can't be";
    }

    // Written so that NaN fails.
    private static bool IsWithin(double value, double most) => value >= 0 && value <= most;
}
