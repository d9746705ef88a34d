namespace Formation.Inference.Engine.Tokenization.Vocabularies;

/// <summary>The texts of the tokens with which a family of models was taught to fill gaps, and the order of the parts.</summary>
/// <param name="Prefix">Stands before what comes before the gap.</param>
/// <param name="Suffix">Stands before what comes behind the gap.</param>
/// <param name="Middle">Stands before what fills the gap, at the prompt's end; null where nothing does.</param>
/// <param name="IsSuffixFirst">Whether what comes behind the gap is read first.</param>
internal sealed record InfillFamily(string Prefix, string Suffix, string? Middle, bool IsSuffixFirst = false)
{
    /// <summary>The families, as their publishers describe them.</summary>
    public static IReadOnlyList<InfillFamily> All { get; } =
    [
        new("<|fim_prefix|>", "<|fim_suffix|>", "<|fim_middle|>"), // Qwen Coder, CodeGemma
        new("<fim_prefix>", "<fim_suffix>", "<fim_middle>"), // StarCoder, Granite
        new("<fim-prefix>", "<fim-suffix>", "<fim-middle>"), // SantaCoder
        new("<｜fim▁begin｜>", "<｜fim▁hole｜>", "<｜fim▁end｜>"), // DeepSeek
        new("▁<PRE>", "▁<SUF>", "▁<MID>"), // Code Llama
        new("<PRE>", "<SUF>", "<MID>"),
        new("<|code_prefix|>", "<|code_suffix|>", "<|code_middle|>", IsSuffixFirst: true), // CodeGeeX, GLM
        new("<|prefix|>", "<|suffix|>", "<|middle|>"), // Falcon
        new("<[fim-prefix]>", "<[fim-suffix]>", "<[fim-middle]>", IsSuffixFirst: true), // Seed-Coder
        new("[PREFIX]", "[SUFFIX]", null, IsSuffixFirst: true), // Codestral
    ];

    /// <summary>Whether a token with one of these texts is structure, whatever the file calls it. Two words in brackets may be a program's text.</summary>
    public bool IsKnownByTexts => Middle is not null;

    public IEnumerable<string> Marks => new[] { Prefix, Suffix, Middle }.OfType<string>();
}
