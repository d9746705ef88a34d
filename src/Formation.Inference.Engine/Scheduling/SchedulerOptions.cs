namespace Formation.Inference.Engine.Scheduling;

/// <summary>The budgets of a step.</summary>
public sealed record SchedulerOptions
{
    /// <summary>Sequences that may hold KV blocks at the same time. Default 32.</summary>
    public int MaxRunningSequences { get; init; } = 32;

    /// <summary>Tokens of prompts (and of sequences being rebuilt) in one step when nothing decodes. Default 512.</summary>
    public int MaxPrefillTokens { get; init; } = 512;

    /// <summary>
    /// The same for a step in which sequences decode, where it is less: bounds the pause that a long prompt makes in their streams. Default 128.
    /// </summary>
    public int MaxPrefillTokensBesideDecode { get; init; } = 128;

    /// <summary>
    /// Whether prefill and decode kernels give bit-equal keys and values, so that blocks with generated tokens may serve as another
    /// prompt's prefix. Default true.
    /// </summary>
    public bool PrefillEqualsDecode { get; init; } = true;

    /// <summary>Rows of the largest batch that can be scheduled.</summary>
    public int MaxRows => MaxRunningSequences + MaxPrefillTokens;

    internal void Validate()
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(MaxRunningSequences, 1);
        ArgumentOutOfRangeException.ThrowIfLessThan(MaxPrefillTokens, 1);
        ArgumentOutOfRangeException.ThrowIfLessThan(MaxPrefillTokensBesideDecode, 1);
    }
}
