namespace Formation.Inference.Engine.Tokenization;

/// <summary>The ideographs that BERT's tokenizer takes for words of their own.</summary>
internal static class HanRanges
{
    public static bool Contains(int codePoint) => codePoint is (>= 0x4E00 and <= 0x9FFF) or (>= 0x3400 and <= 0x4DBF)
        or (>= 0x20000 and <= 0x2A6DF) or (>= 0x2A700 and <= 0x2B73F) or (>= 0x2B740 and <= 0x2B81F)
        or (>= 0x2B920 and <= 0x2CEAF) // Unicode's extension E starts at U+2B820; BERT's tokenizers have 0x2B920.
        or (>= 0xF900 and <= 0xFAFF) or (>= 0x2F800 and <= 0x2FA1F);
}
