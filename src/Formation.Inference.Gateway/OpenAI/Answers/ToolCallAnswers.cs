using Formation.Inference.Gateway.Tools;

namespace Formation.Inference.Gateway.OpenAI.Answers;

/// <summary>Tells the calls of tools in the choices of one answer from their texts, and speaks of them in OpenAI's words.</summary>
/// <param name="use">How tools may be called, or null where all is text.</param>
/// <param name="createId">Makes the id of a call.</param>
internal sealed class ToolCallAnswers(ToolUse? use, Func<string> createId)
{
    readonly Dictionary<int, ToolCallReader> _readers = [];
    ToolCallSyntax _syntax = ToolCallSyntax.Default;

    internal void Begin(GenerationStarted started) => _syntax = started.ToolCalls ?? _syntax;

    /// <summary>What a choice's new text is.</summary>
    internal IReadOnlyList<AnswerPiece> Read(GenerationDelta delta)
    {
        if (use is null)
            return [new AnswerPiece(AnswerPieceKind.Text, 0, delta.Text.Value)];
        if (!_readers.TryGetValue(delta.Choice, out ToolCallReader? reader))
            _readers[delta.Choice] = reader = new ToolCallReader(_syntax);
        return reader.Read(delta.Text.Value);
    }

    /// <summary>What a choice's text still holds when it has ended.</summary>
    internal IReadOnlyList<AnswerPiece> End(int choice) => _readers.TryGetValue(choice, out ToolCallReader? reader) ? reader.End() : [];

    internal string NewId() => createId();

    /// <summary>Why a choice ended: for calls, unless the request named the only tool, which OpenAI counts as an ordinary end.</summary>
    internal string FinishReason(GenerationFinished finished) =>
        finished.Reason == Inference.FinishReason.Stop && use?.Name is null && _readers.TryGetValue(finished.Choice, out ToolCallReader? reader) && reader.Calls > 0
            ? "tool_calls"
            : FinishReasons.Of(finished);
}
