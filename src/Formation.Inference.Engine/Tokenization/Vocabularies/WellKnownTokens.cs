using System.Collections.Frozen;

namespace Formation.Inference.Engine.Tokenization.Vocabularies;

/// <summary>Token texts with a meaning that files often fail to state. The lists are those by which llama.cpp knows them.</summary>
internal static class WellKnownTokens
{
    /// <summary>Texts at which generation ends.</summary>
    public static FrozenSet<string> EndOfGeneration { get; } = FrozenSet.Create(StringComparer.Ordinal,
        "<|eot_id|>", "<|im_end|>", "<|end|>", "<|return|>", "<|call|>", "<|flush|>", "<|calls|>", "<end_of_turn>", "<|endoftext|>", "</s>",
        "<|eom_id|>", "<EOT>", "_<EOT>", "[EOT]", "[EOS]", "<|end_of_text|>", "<end_of_utterance>", "<eos>", "<turn|>", "<|tool_response>",
        "<｜end▁of▁sentence｜>", "[e~[");

    /// <summary>The first of these that a vocabulary has is its end-of-turn token, where the file names none.</summary>
    public static IReadOnlyList<string> EndOfTurn { get; } =
    [
        "<|eot_id|>", "<|im_end|>", "<|end|>", "<end_of_turn>", "<|endoftext|>", "<|end_of_text|>", "<EOT>", "_<EOT>", "[EOT]",
        "<｜end▁of▁sentence｜>", "<end_of_utterance>",
    ];

    public const string EndOfMessage = "<|eom_id|>";

    /// <summary>Fill-in-the-middle padding, repository and file marks; generation ends there too.</summary>
    public static IReadOnlyList<IReadOnlyList<string>> FillInTheMiddleEnds { get; } =
    [
        ["<|fim_pad|>", "<fim-pad>", "<fim_pad>", "<PAD>", "[PAD]"],
        ["<|fim_repo|>", "<|repo_name|>", "<fim-repo>", "<REPO>", "<reponame>"],
        ["<|file_sep|>"],
    ];

    /// <summary>Fill-in-the-middle marks that are structure, though some files have them as text.</summary>
    public static FrozenSet<string> FillInTheMiddle { get; } =
        InfillFamily.All.Where(family => family.IsKnownByTexts).SelectMany(family => family.Marks).ToFrozenSet(StringComparer.Ordinal);

    /// <summary>Behind what fills a gap: its end, or the beginning of another file.</summary>
    public static IReadOnlyList<string> GapEnds { get; } = ["▁<EOT>", "<|file_separator|>", "<file_sep>"];

    /// <summary>
    /// Structure of the harmony format inside an answer: rendered, because whoever reads the answer needs it, and still never taken from
    /// a user's text.
    /// </summary>
    public static FrozenSet<string> Harmony { get; } =
        FrozenSet.Create(StringComparer.Ordinal, "<|channel|>", "<|message|>", "<|start|>", "<|constrain|>");
}
