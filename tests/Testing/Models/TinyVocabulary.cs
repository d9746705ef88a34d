namespace Formation.Inference.Testing.Models;

/// <summary>
/// A byte-level BPE vocabulary small enough to read: 256 bytes, some merges that make common words, control tokens, and unused ids (or
/// words that no merge makes) up to the wanted size.
/// </summary>
public sealed class TinyVocabulary
{
    private static readonly string[] ControlTokens = ["<|begin_of_text|>", "<|end_of_text|>", "<|im_start|>", "<|im_end|>", "<|pad|>"];

    /// <summary>The fewest ids: every byte and every control token.</summary>
    public static readonly int MinimumSize = 256 + ControlTokens.Length;

    /// <summary>The tokens of a model that fills gaps: before the text before the gap, before that behind it, before what fills it.</summary>
    public static IReadOnlyList<string> FillInTheMiddle { get; } = ["<|fim_prefix|>", "<|fim_suffix|>", "<|fim_middle|>"];

    // Ends of words and whole words; G with a dot above stands for a space, as in every byte-level vocabulary.
    private static readonly string[] Words =
    [
        "Ġthe", "ing", "Ġand", "ion", "Ġof", "ent", "Ġto", "ed", "Ġin", "er", "Ġis", "es", "Ġyou", "ly", "Ġthat", "al", "Ġit", "th", "he",
        "Ġfor", "re", "Ġare", "st", "Ġwith", "or", "Ġas", "ar", "Ġthis", "ll", "Ġwas", "le", "Ġnot", "se", "Ġhave", "me", "Ġcan",
        "ĊĊ", "ĠĠ",
        "ĠĠĠĠ", "Ġhello", "Hello", "Ġworld", "user", "assistant", "system", "Ġmodel", "Ġtoken", "Ġwhat", "What", "Ġhow", "Ġdoes", "Ġanswer",
        "The", "Ã¤", "Ã¶", "Ã¼", "ä¸", "ðŁ", "Ġ1", "00", "20", "Ġ=", "();",
    ];

    /// <param name="size">Number of ids, at least <see cref="MinimumSize"/>; merges come in as far as there is room.</param>
    /// <param name="speaksEveryToken">Whether the remaining ids are words, which only a model says, instead of unused.</param>
    /// <param name="fillsGaps">Whether the first of the remaining ids are <see cref="FillInTheMiddle"/>.</param>
    public TinyVocabulary(int size, bool speaksEveryToken = false, bool fillsGaps = false)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(size, MinimumSize);
        var tokens = new List<string>(ByteAlphabet());
        var known = new HashSet<string>(tokens, StringComparer.Ordinal);
        var merges = new List<string>();
        foreach (var word in Words)
            for (var end = 2; end <= word.Length; end++)
                if (tokens.Count < size - ControlTokens.Length && known.Add(word[..end]))
                {
                    tokens.Add(word[..end]);
                    merges.Add($"{word[..(end - 1)]} {word[end - 1]}");
                }
        FirstControlId = tokens.Count;
        tokens.AddRange(ControlTokens);
        if (fillsGaps)
            tokens.AddRange(FillInTheMiddle);
        var used = tokens.Count;
        while (tokens.Count < size)
            tokens.Add(speaksEveryToken ? $"Ġword{tokens.Count - used}" : $"<|unused_{tokens.Count - used}|>");

        Tokens = [.. tokens];
        Merges = [.. merges];
        TokenTypes = [.. Enumerable.Range(0, size).Select(id => id < FirstControlId ? Normal : id < used ? Control : speaksEveryToken ? Normal : Unused)];
    }

    private const int Normal = 1;
    private const int Control = 3;
    private const int Unused = 5;

    public string[] Tokens { get; }

    public string[] Merges { get; }

    /// <summary>Types as the format numbers them: 1 normal, 3 control, 5 unused.</summary>
    public int[] TokenTypes { get; }

    public int BosId => FirstControlId;

    public int EosId => FirstControlId + 1;

    public int ImStartId => FirstControlId + 2;

    public int ImEndId => FirstControlId + 3;

    public int PadId => FirstControlId + 4;

    private int FirstControlId { get; }

    /// <summary>
    /// The 256 characters that stand for bytes, in the order of GPT-2's vocabulary: printable ones first, then the others shifted to
    /// U+0100.
    /// </summary>
    private static IEnumerable<string> ByteAlphabet()
    {
        static bool IsPrintable(int value) => value is (>= '!' and <= '~') or (>= 0xA1 and <= 0xAC) or (>= 0xAE and <= 0xFF);

        for (var value = 0; value < 256; value++)
            if (IsPrintable(value))
                yield return ((char)value).ToString();
        for (var shifted = 0; shifted < 68; shifted++)
            yield return ((char)(0x100 + shifted)).ToString();
    }
}
