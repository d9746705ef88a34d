using Formation.Inference.Engine.Gguf;

namespace Formation.Inference.Engine.Tokenization.Vocabularies;

/// <summary>Bounds of what a vocabulary may hold, several times what the largest published models have.</summary>
internal static class VocabularyLimits
{
    public const int MaximumTokens = 1 << 20;
    public const int MaximumMerges = 1 << 22;

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

    public static void CheckLengths(string what, GgufArray strings, int maximumBytes)
    {
        for (int i = 0; i < strings.Count; i++)
        {
            if (strings.Utf8(i).Length > maximumBytes)
                throw new VocabularyException($"Entry {i} of the {what} has {strings.Utf8(i).Length} bytes; at most {maximumBytes} are supported.");
        }
    }
}
