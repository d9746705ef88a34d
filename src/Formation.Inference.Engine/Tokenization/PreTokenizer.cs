using System.Buffers;
using System.Text;
using Formation.Inference.Engine.Gguf;
using Formation.Inference.Engine.Tokenization.PreTokenizers;

namespace Formation.Inference.Engine.Tokenization;

/// <summary>
/// Splits text into the words within which byte-level BPE merges, by the rule that a GGUF file names in <c>tokenizer.ggml.pre</c>.
/// Merges never cross a border between words, so both the trainer of a vocabulary and the tokenizer need the same rule.
/// </summary>
/// <remarks>Thread-safe. Time and memory grow linearly with the text, whatever is in it.</remarks>
public sealed class PreTokenizer
{
    readonly SplitRule[] _rules;

    internal PreTokenizer(string name, PreTokenizerTraits traits, params SplitRule[] rules)
    {
        Name = name;
        Traits = traits;
        _rules = rules;
    }

    /// <summary>The value of <c>tokenizer.ggml.pre</c>.</summary>
    public string Name { get; }

    internal PreTokenizerTraits Traits { get; }

    /// <summary>Every name that <see cref="ForName"/> knows, in alphabetical order.</summary>
    public static IReadOnlyList<string> SupportedNames => PreTokenizerCatalog.Names;

    /// <summary>The pre-tokenizer with a name.</summary>
    /// <exception cref="NotSupportedException">The name is unknown; the message lists the known ones.</exception>
    public static PreTokenizer ForName(string name) => PreTokenizerCatalog.Find(name)
        ?? throw new NotSupportedException(
            $"The pre-tokenizer {GgufLimits.Quote(name)} (tokenizer.ggml.pre) is not supported. "
            + $"Supported are: {string.Join(", ", SupportedNames)}.");

    /// <summary>The words of a text, in order and without gaps, as ranges of UTF-16 code units.</summary>
    /// <param name="text">Any text; a lone surrogate counts as one character, U+FFFD.</param>
    public IReadOnlyList<TextRange> Split(string text)
    {
        int[] codePoints = ArrayPool<int>.Shared.Rent(text.Length);
        try
        {
            int count = 0;
            foreach (Rune rune in text.EnumerateRunes()) codePoints[count++] = rune.Value;

            var ends = new List<int>();
            Split(codePoints.AsSpan(0, count), ends);
            var words = new TextRange[ends.Count];
            int start = 0, codePoint = 0;
            for (int i = 0; i < words.Length; i++)
            {
                int length = 0;
                for (; codePoint < ends[i]; codePoint++) length += codePoints[codePoint] > 0xFFFF ? 2 : 1;
                words[i] = new TextRange(start, length);
                start += length;
            }
            return words;
        }
        finally
        {
            ArrayPool<int>.Shared.Return(codePoints, clearArray: true);
        }
    }

    /// <summary>Writes the end of each word to <paramref name="ends"/>, as indices of code points; the last is the text's length.</summary>
    internal void Split(ReadOnlySpan<int> codePoints, List<int> ends)
    {
        ends.Clear();
        if (codePoints.IsEmpty) return;

        CodePointClass[] rented = ArrayPool<CodePointClass>.Shared.Rent(codePoints.Length);
        Span<CodePointClass> classes = rented.AsSpan(0, codePoints.Length);
        CodePointClasses.Classify(codePoints, classes);
        var text = new ClassifiedText(codePoints, classes);

        List<int> pieces = [codePoints.Length], smaller = [];
        foreach (SplitRule rule in _rules)
        {
            SplitPieces(rule, text, pieces, smaller);
            (pieces, smaller) = (smaller, pieces);
        }
        ends.AddRange(pieces);
        ArrayPool<CodePointClass>.Shared.Return(rented);
    }

    static void SplitPieces(SplitRule rule, in ClassifiedText text, List<int> pieces, List<int> ends)
    {
        ends.Clear();
        int start = 0;
        foreach (int end in pieces)
        {
            rule.Split(text.Slice(start, end - start), start, ends);
            start = end;
        }
    }
}
