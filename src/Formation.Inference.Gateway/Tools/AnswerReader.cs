namespace Formation.Inference.Gateway.Tools;

/// <summary>Tells what the model says from the calls of tools, in each choice of an answer.</summary>
/// <param name="mayCallTools">Whether the answer may call tools; where not, all of it is text.</param>
internal class AnswerReader(bool mayCallTools)
{
    readonly Dictionary<int, ToolCallReader> _readers = [];
    ToolCallSyntax _syntax = ToolCallSyntax.Default;

    internal void Begin(GenerationStarted started) => _syntax = started.ToolCalls ?? _syntax;

    /// <summary>What a choice's new text is; valid until the choice is read on.</summary>
    internal IReadOnlyList<AnswerPiece> Read(GenerationDelta delta)
    {
        if (!mayCallTools)
            return [new AnswerPiece(AnswerPieceKind.Text, 0, delta.Text.Value)];
        if (!_readers.TryGetValue(delta.Choice, out ToolCallReader? reader))
            _readers[delta.Choice] = reader = new ToolCallReader(_syntax);
        return reader.Read(delta.Text.Value);
    }

    /// <summary>What a choice's text still holds when it has ended.</summary>
    internal IReadOnlyList<AnswerPiece> End(int choice) => _readers.TryGetValue(choice, out ToolCallReader? reader) ? reader.End() : [];

    /// <summary>Calls of a choice that have begun.</summary>
    internal int CallsOf(int choice) => _readers.TryGetValue(choice, out ToolCallReader? reader) ? reader.Calls : 0;
}
