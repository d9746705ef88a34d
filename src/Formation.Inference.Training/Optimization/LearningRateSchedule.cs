namespace Formation.Inference.Training.Optimization;

/// <summary>Linear warm-up, a constant part and a linear decay to almost nothing, by tokens seen.</summary>
/// <param name="Peak">The constant part's rate.</param>
/// <param name="WarmUpTokens">Tokens until the peak.</param>
/// <param name="DecayTokens">Tokens of the decay at the end.</param>
/// <param name="TotalTokens">Tokens of the whole run.</param>
public sealed record LearningRateSchedule(double Peak, long WarmUpTokens, long DecayTokens, long TotalTokens)
{
    /// <summary>The share of the peak at which the decay ends.</summary>
    public const double FinalShare = 0.02;

    /// <summary>The rate after so many tokens.</summary>
    public double At(long tokens)
    {
        if (tokens < WarmUpTokens)
            return Peak * (tokens + 1) / (WarmUpTokens + 1);
        var left = TotalTokens - tokens;
        if (left >= DecayTokens)
            return Peak;
        return Peak * Math.Max(FinalShare, (double)left / DecayTokens);
    }
}
