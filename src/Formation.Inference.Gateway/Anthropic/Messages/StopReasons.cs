namespace Formation.Inference.Gateway.Anthropic.Messages;

/// <summary>
/// Why an answer ended, in Anthropic's words: <c>end_turn</c>, <c>stop_sequence</c>, <c>tool_use</c>, <c>max_tokens</c> or
/// <c>model_context_window_exceeded</c>.
/// </summary>
internal static class StopReasons
{
    /// <param name="finished">The end.</param>
    /// <param name="header">The request: what ends a turn of a model besides its stop sequences is none of them.</param>
    /// <param name="calls">How many tools the answer calls.</param>
    internal static (string Reason, string? StopSequence) Of(GenerationFinished finished, MessageHeader header, int calls)
    {
        if (finished.Reason == FinishReason.Length)
            return (finished.CompletionTokens < header.MaxTokens ? "model_context_window_exceeded" : "max_tokens", null);
        if (finished.StopString is { } found && header.StopSequences.Contains(found))
            return ("stop_sequence", found);
        return (calls > 0 ? "tool_use" : "end_turn", null);
    }
}
