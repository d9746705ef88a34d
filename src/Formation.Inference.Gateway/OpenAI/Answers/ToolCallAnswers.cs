using Formation.Inference.Gateway.Tools;

namespace Formation.Inference.Gateway.OpenAI.Answers;

/// <summary>Tells thoughts and the calls of tools in the choices of one answer from their texts, and speaks of them in OpenAI's words.</summary>
/// <param name="use">How tools may be called, or null where all is text.</param>
/// <param name="createId">Makes the id of a call.</param>
/// <param name="tellsThoughts">Whether thoughts are told, or left out.</param>
internal sealed class ToolCallAnswers(ToolUse? use, Func<string> createId, bool tellsThoughts = true) : AnswerReader(use is not null, tellsThoughts)
{
    internal string NewId() => createId();

    /// <summary>Why a choice ended: for calls, unless the request named the only tool, which OpenAI counts as an ordinary end.</summary>
    internal string FinishReason(GenerationFinished finished) =>
        finished.Reason == Inference.FinishReason.Stop && use?.Name is null && CallsOf(finished.Choice) > 0 ? "tool_calls" : FinishReasons.Of(finished);
}
