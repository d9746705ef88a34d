namespace Formation.Inference.Gateway.Anthropic.Messages;

/// <summary>Why an answer ended, in Anthropic's words.</summary>
internal static class StopReasons
{
    /// <param name="finished">The end.</param>
    /// <param name="stopSequences">Those of the request: what ends a turn of a model besides is nobody's stop sequence.</param>
    internal static (string Reason, string? StopSequence) Of(GenerationFinished finished, IReadOnlyList<string> stopSequences)
    {
        if (finished.Reason == FinishReason.Length)
            return ("max_tokens", null);
        return finished.StopString is { } found && stopSequences.Contains(found) ? ("stop_sequence", found) : ("end_turn", null);
    }
}
