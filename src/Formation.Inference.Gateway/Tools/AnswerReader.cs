namespace Formation.Inference.Gateway.Tools;

/// <summary>Tells what the model says from the calls of tools in the events of an answer of one choice.</summary>
/// <param name="mayCallTools">Whether the answer may call tools; where not, all of it is text.</param>
internal sealed class AnswerReader(bool mayCallTools)
{
    ToolCallReader? _reader;

    /// <summary>What is certain of the answer with one more event; valid until the next call.</summary>
    internal IReadOnlyList<AnswerPiece> Read(GenerationEvent item)
    {
        switch (item)
        {
            case GenerationStarted started when mayCallTools:
                _reader = new ToolCallReader(started.ToolCalls ?? ToolCallSyntax.Default);
                return [];
            case GenerationDelta { Text: { Length: > 0, Value: var text } }:
                return _reader?.Read(text) ?? [new AnswerPiece(AnswerPieceKind.Text, 0, text)];
            case GenerationFinished:
                return _reader?.End() ?? [];
            default:
                return [];
        }
    }
}
