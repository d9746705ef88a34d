namespace Formation.Inference.Engine.Serving;

/// <summary>What an engine does at the moment, as of its last step.</summary>
/// <param name="RunningSequences">Sequences that hold KV blocks.</param>
/// <param name="WaitingSequences">Sequences that wait for their first step, or again after preemption.</param>
/// <param name="HeldBlocks">KV blocks that sequences hold; blocks kept only for their cached content do not count.</param>
/// <param name="TotalBlocks">KV blocks.</param>
/// <param name="Preemptions">How often a sequence gave up its blocks to be computed again, since the engine started.</param>
public sealed record EngineStatistics(int RunningSequences, int WaitingSequences, int HeldBlocks, int TotalBlocks, long Preemptions)
{
    /// <summary>Tokens of drafts that were verified, since the engine started.</summary>
    public long DraftTokens { get; init; }

    /// <summary>How many of them turned out right.</summary>
    public long AcceptedDraftTokens { get; init; }

    /// <summary>The same as a fraction, 0 to 1; 0 where there was no draft.</summary>
    public double DraftAcceptance => DraftTokens == 0 ? 0 : (double)AcceptedDraftTokens / DraftTokens;

    /// <summary>Held blocks as a fraction of all, 0 to 1.</summary>
    public double KvCacheUsage => (double)HeldBlocks / TotalBlocks;
}
