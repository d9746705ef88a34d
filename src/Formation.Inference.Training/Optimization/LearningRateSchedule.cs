namespace Formation.Inference.Training.Optimization;

/// <summary>
/// Linear warm-up, a constant part and a linear decay to almost nothing, by tokens seen; then, where wanted, a second cycle that falls from
/// half the peak, which settles what the first one left undecided.
/// </summary>
/// <param name="Peak">The constant part's rate.</param>
/// <param name="WarmUpTokens">Tokens until the peak.</param>
/// <param name="DecayTokens">Tokens of the first cycle's decay.</param>
/// <param name="TotalTokens">Tokens of the whole run.</param>
/// <param name="SecondCycleTokens">Tokens of the second cycle, at the end of the run; 0 for none.</param>
public sealed record LearningRateSchedule(double Peak, long WarmUpTokens, long DecayTokens, long TotalTokens, long SecondCycleTokens = 0)
{
    /// <summary>The share of its highest rate at which a cycle ends.</summary>
    public const double FinalShare = 0.02;

    /// <summary>The rate after so many tokens.</summary>
    public double At(long tokens)
    {
        if (tokens < WarmUpTokens)
            return Peak * (tokens + 1) / (WarmUpTokens + 1);
        var firstCycleEnd = TotalTokens - SecondCycleTokens;
        return tokens < firstCycleEnd
            ? Falling(Peak, firstCycleEnd - tokens, DecayTokens)
            : Falling(Peak / 2, TotalTokens - tokens, SecondCycleTokens);
    }

    private static double Falling(double rate, long left, long decay) =>
        left >= decay ? rate : rate * Math.Max(FinalShare, (double)left / decay);
}
