namespace Formation.Inference.Gateway.HuggingFace.TextGeneration;

/// <summary>Why a text ended, in the service's words.</summary>
internal static class FinishReasons
{
    internal static string Of(GenerationFinished finished) =>
        finished.Reason == FinishReason.Length ? "length" : finished.StopString is null ? "eos_token" : "stop_sequence";
}
