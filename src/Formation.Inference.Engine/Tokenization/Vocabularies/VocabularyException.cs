namespace Formation.Inference.Engine.Tokenization;

/// <summary>A vocabulary that can't be used: broken, or not supported. The message says which value, and what is allowed.</summary>
public sealed class VocabularyException(string message, bool isUnsupported = false) : Exception(message)
{
    /// <summary>True where the vocabulary may be sound, but needs a tokenizer that this engine does not have.</summary>
    public bool IsUnsupported { get; } = isUnsupported;
}
