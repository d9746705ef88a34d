using Formation.Inference.Cluster.Identity;

namespace Formation.Inference.Cluster.Workers;

/// <summary>What a node says of one of its workers.</summary>
/// <param name="Id">Which.</param>
/// <param name="State">How far it is.</param>
public sealed record WorkerReport(string Id, WorkerState State)
{
    /// <summary>The share that is done of what it does now, 0 to 1.</summary>
    public double Progress { get; init; }

    /// <summary>Bytes of weights that came over the network for it.</summary>
    public long FetchedBytes { get; init; }

    /// <summary>Why it is in this state, in words; empty where there is nothing to say.</summary>
    public string Reason { get; init; } = "";

    /// <summary>Its key, once its process has one.</summary>
    public KeyPin? Pin { get; init; }

    /// <summary>Where it is reached (<c>host:port</c> or <c>relay:PIN</c>, best first), once it can be.</summary>
    public IReadOnlyList<string> Addresses { get; init; } = [];

    /// <summary>For a head: the stages that it works with, in order.</summary>
    public IReadOnlyList<string> Chain { get; init; } = [];

    /// <summary>For a head: stages that it can't work with any more.</summary>
    public IReadOnlyList<LostWorker> Lost { get; init; } = [];

    /// <summary>For a head: what it does and how fast it is.</summary>
    public HeadFigures Figures { get; init; }

    /// <summary>What it has computed and keeps.</summary>
    public StageFigures Work { get; init; }

    /// <summary>What it has computed to generate tokens, and how long that took: how fast its node is.</summary>
    public DecodeWork Decode { get; init; }

    /// <summary>For a head: its connections to the stages.</summary>
    public IReadOnlyList<WorkerLink> Links { get; init; } = [];
}

/// <summary>A connection to another worker.</summary>
/// <param name="Id">The other one.</param>
/// <param name="RoundTrip">Time of a small message there and back, as last measured.</param>
/// <param name="SentBytes">Since it was opened.</param>
/// <param name="ReceivedBytes">Since it was opened.</param>
public sealed record WorkerLink(string Id, TimeSpan RoundTrip, long SentBytes, long ReceivedBytes);

/// <summary>What a worker has done since it runs.</summary>
/// <param name="RowsComputed">Rows (positions of sequences) through its layers, rebuilt ones apart; a stage's.</param>
/// <param name="RowsRebuilt">Rows computed for keys and values alone, in the place of a stage that was lost.</param>
/// <param name="BoundaryBytes">Bytes of rows that it keeps for a replacement behind it.</param>
public readonly record struct StageFigures(long RowsComputed, long RowsRebuilt, long BoundaryBytes);

/// <summary>Steps of generation that a worker's layers have computed since it runs; steps with a prompt in them are not among them.</summary>
/// <param name="Steps">How many.</param>
/// <param name="Rows">Rows of these.</param>
/// <param name="Positions">Positions that these rows saw, all together.</param>
/// <param name="Seconds">What they took.</param>
public readonly record struct DecodeWork(long Steps, long Rows, long Positions, double Seconds)
{
    /// <summary>What came since.</summary>
    public DecodeWork Since(DecodeWork before) =>
        new(Steps - before.Steps, Rows - before.Rows, Positions - before.Positions, Seconds - before.Seconds);
}

/// <summary>A stage that a head can't work with.</summary>
/// <param name="Id">Which.</param>
/// <param name="Reason">What the head saw.</param>
public sealed record LostWorker(string Id, string Reason);

/// <summary>What a head measured.</summary>
/// <param name="RunningRequests">Requests that it works on, those that wait for a slot among them.</param>
/// <param name="OneStreamTokensPerSecond">Of the newest time that a single sequence generated; 0 where none did.</param>
/// <param name="TokensPerSecond">Of all sequences together, over the newest seconds with work; 0 where there were none.</param>
/// <param name="Recoveries">Stages that were replaced while it ran.</param>
/// <param name="LongestPauseSeconds">The longest of these pauses.</param>
public readonly record struct HeadFigures(
    int RunningRequests, double OneStreamTokensPerSecond, double TokensPerSecond, int Recoveries, double LongestPauseSeconds)
{
    /// <summary>Requests that it was given since it runs: whoever looks from time to time misses none.</summary>
    public long RequestsBegun { get; init; }
}
