using System.Text.Json;

namespace Formation.Inference.Gateway.OpenAI.Answers;

/// <summary>Why a choice ended, in OpenAI's words.</summary>
internal static class FinishReasons
{
    internal static string Of(GenerationFinished finished) => finished.Reason == FinishReason.Length ? "length" : "stop";

    /// <summary>An extension that other open servers have too: the stop string or token id of the request that was met, or null.</summary>
    internal static object? StopReason(GenerationFinished finished) => (object?)finished.StopString ?? finished.StopTokenId;
}
