namespace Formation.Inference.Engine.Tokenization;

/// <summary>The work space for encoding one text: used by one thread, then disposed.</summary>
internal abstract class EncodingSession : IDisposable
{
    /// <summary>Whether the next stretch goes on with a text, so that nothing stands before it that is not its own.</summary>
    public bool GoesOn { get; set; }

    /// <summary>Appends the ids of a stretch of plain text.</summary>
    /// <param name="text">UTF-8, maybe invalid; not empty; no special tokens in it.</param>
    /// <param name="maxTokens">May stop once there are more ids than this.</param>
    public abstract void Encode(ReadOnlySpan<byte> text, List<int> ids, int maxTokens);

    /// <summary>Steps of work so far, in the tokenizer's own unit, by which tests see how work grows with the text.</summary>
    public abstract long Steps { get; }

    public virtual void Dispose()
    {
    }
}
