using Formation.Inference.Engine.Gguf;

namespace Formation.Inference.Engine.Tokenization.Vocabularies;

/// <summary>Bounds of what a vocabulary may hold, several times what the largest published models have.</summary>
internal static class VocabularyLimits
{
    public const int MaximumTokens = 1 << 20;
    public const int MaximumMerges = 1 << 21;

    /// <summary>UTF-8 bytes of all tokens; large published vocabularies have 2 MB.</summary>
    public const int MaximumTextBytes = 16 << 20;

    /// <summary>UTF-8 bytes of all merges.</summary>
    public const int MaximumMergeBytes = 64 << 20;

    /// <summary>UTF-8 bytes of the tokens that are looked for in a text byte by byte: special ones, and all of WordPiece.</summary>
    public const int MaximumTrieBytes = 4 << 20;

    /// <summary>Longest token. Bounds the time that one step of encoding takes.</summary>
    public const int MaximumTokenBytes = 4096;

    public static void CheckCount(string what, int count, int maximum)
    {
        if (count > maximum) throw new VocabularyException($"The vocabulary has {count} {what}; at most {maximum} are supported.");
    }

    public static void CheckSameCount(string what, int count, int tokens)
    {
        if (count != tokens) throw new VocabularyException($"{what} has {count} entries, but there are {tokens} tokens.");
    }

    public static void CheckLengths(string what, GgufArray strings, int maximumBytes, int maximumTotal)
    {
        long total = 0;
        for (int i = 0; i < strings.Count; i++)
        {
            int length = strings.Utf8(i).Length;
            if (length > maximumBytes)
                throw new VocabularyException($"Entry {i} of the {what} has {length} bytes; at most {maximumBytes} are supported.");
            CheckTotal(what, total += length, maximumTotal);
        }
    }

    public static void CheckLength(int id, int bytes)
    {
        if (bytes > MaximumTokenBytes)
            throw new VocabularyException($"Token {id} has {bytes} bytes; at most {MaximumTokenBytes} are supported.");
    }

    public static void CheckTotal(string what, long bytes, int maximum)
    {
        if (bytes > maximum)
            throw new VocabularyException($"The {what} together have more than {maximum} bytes, which is the most that is supported.");
    }
}
