namespace Formation.Inference.Training;

/// <summary>How a run stands.</summary>
/// <param name="Step">Updates done.</param>
/// <param name="Tokens">Tokens seen.</param>
/// <param name="TotalTokens">Tokens of the whole run.</param>
/// <param name="Loss">Mean loss since the last report, in nats.</param>
/// <param name="LearningRate">The current learning rate.</param>
/// <param name="TokensPerSecond">Speed since the last report.</param>
/// <param name="Remaining">Time left at this speed.</param>
/// <param name="Note">What else there is to say, such as an evaluation; null where nothing.</param>
public sealed record TrainingProgress(
    int Step, long Tokens, long TotalTokens, double Loss, double LearningRate, double TokensPerSecond, TimeSpan Remaining, string? Note = null)
{
    /// <summary>The progress as one line.</summary>
    public override string ToString() =>
        Note ?? FormattableString.Invariant(
            $"{100.0 * Tokens / TotalTokens,5:F1} %  step {Step}  {Tokens:N0} of {TotalTokens:N0} tokens  ")
            + FormattableString.Invariant(
                $"loss {Loss:F4}  rate {LearningRate:E2}  {TokensPerSecond:N0} tokens/s  {Remaining:h\\:mm\\:ss} left");
}
