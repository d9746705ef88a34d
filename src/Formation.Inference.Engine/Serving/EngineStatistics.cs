namespace Formation.Inference.Engine.Serving;

/// <summary>What an engine does at the moment, as of its last step.</summary>
/// <param name="RunningSequences">Sequences that hold KV blocks.</param>
/// <param name="WaitingSequences">Sequences that wait for their first step, or again after preemption.</param>
/// <param name="HeldBlocks">KV blocks that sequences hold; blocks kept only for their cached content do not count.</param>
/// <param name="TotalBlocks">KV blocks.</param>
/// <param name="Preemptions">How often a sequence gave up its blocks to be computed again, since the engine started.</param>
public sealed record EngineStatistics(int RunningSequences, int WaitingSequences, int HeldBlocks, int TotalBlocks, long Preemptions)
{
    /// <summary>Held blocks as a fraction of all, 0 to 1.</summary>
    public double KvCacheUsage => (double)HeldBlocks / TotalBlocks;
}
