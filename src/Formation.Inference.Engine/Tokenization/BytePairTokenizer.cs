using System.Buffers;
using Formation.Inference.Engine.Tokenization.Merging;
using Formation.Inference.Engine.Tokenization.Vocabularies;

namespace Formation.Inference.Engine.Tokenization;

/// <summary>
/// Byte-level BPE (<c>gpt2</c>): words by the pre-tokenizer's rule, and within each word the merges of bytes, in the order of their rank.
/// </summary>
internal sealed class BytePairTokenizer : Tokenizer
{
    readonly PreTokenizer _preTokenizer;
    readonly BytePairRule _merges;
    readonly int[] _byteTokens;
    readonly Dictionary<string, int>.AlternateLookup<ReadOnlySpan<char>> _wholeWords;
    readonly int _longestWholeWord;

    public BytePairTokenizer(TokenizerDefinition definition)
        : base(definition, ByteLevelAlphabet.Decode, FindPreTokenizer(definition).Traits.AddsBos)
    {
        _preTokenizer = FindPreTokenizer(definition);
        _merges = new BytePairRule(Vocabulary, definition.Merges
            ?? throw new VocabularyException("A gpt2 vocabulary needs merges (tokenizer.ggml.merges)."));
        _byteTokens = [.. Enumerable.Range(0, 256).Select(value => Spelled(ByteLevelAlphabet.CharacterOf((byte)value).ToString()) ?? -1)];
        Dictionary<string, int> wholeWords = WholeWords();
        _wholeWords = wholeWords.GetAlternateLookup<ReadOnlySpan<char>>();
        _longestWholeWord = wholeWords.Keys.Select(word => word.Length).DefaultIfEmpty(-1).Max();
    }

    internal override EncodingSession CreateSession(CancellationToken cancellationToken) => new Session(this, cancellationToken);

    static PreTokenizer FindPreTokenizer(TokenizerDefinition definition)
    {
        if (definition.PreTokenizer is null)
        {
            throw new VocabularyException(
                "The vocabulary does not name its pre-tokenizer (tokenizer.ggml.pre), without which its ids can't be known. "
                + "Convert the model again with a current converter, or set the key to one of: "
                + $"{string.Join(", ", PreTokenizer.SupportedNames)}.",
                isUnsupported: true);
        }
        try
        {
            return PreTokenizer.ForName(definition.PreTokenizer);
        }
        catch (NotSupportedException exception)
        {
            throw new VocabularyException(exception.Message, isUnsupported: true);
        }
    }

    int? Spelled(string text) => Vocabulary.Find(text) is { } id && Vocabulary.IsSpelledOut(id) ? id : null;

    /// <summary>Tokens that are a whole word without a look at merges; empty where the pre-tokenizer wants none.</summary>
    Dictionary<string, int> WholeWords()
    {
        var words = new Dictionary<string, int>(StringComparer.Ordinal);
        if (!_preTokenizer.Traits.IgnoresMerges) return words;
        for (int id = 0; id < Vocabulary.Count; id++)
        {
            if (Vocabulary.IsSpelledOut(id)) words.Add(Vocabulary.Text(id), id);
        }
        return words;
    }

    sealed class Session(BytePairTokenizer tokenizer, CancellationToken cancellationToken) : EncodingSession
    {
        readonly SymbolMerger _merger = new(tokenizer._merges);
        readonly List<int> _ends = [];

        public override long Steps => _merger.Steps;

        public override void Encode(ReadOnlySpan<byte> text, List<int> ids, int maxTokens)
        {
            int[] codePoints = ArrayPool<int>.Shared.Rent(text.Length);
            byte[] word = ArrayPool<byte>.Shared.Rent(3 * text.Length + 1);
            try
            {
                int count = LenientUtf8.Decode(text, codePoints);
                tokenizer._preTokenizer.Split(codePoints.AsSpan(0, count), _ends);
                int start = 0;
                foreach (int end in _ends)
                {
                    int length = 0;
                    for (; start < end; start++) length += LenientUtf8.Encode(codePoints[start], word.AsSpan(length));
                    EncodeWord(word.AsSpan(0, length), ids);
                    if (ids.Count > maxTokens) return;
                    cancellationToken.ThrowIfCancellationRequested();
                }
            }
            finally
            {
                ArrayPool<int>.Shared.Return(codePoints, clearArray: true);
                ArrayPool<byte>.Shared.Return(word, clearArray: true);
            }
        }

        public override void Dispose() => _merger.Dispose();

        void EncodeWord(ReadOnlySpan<byte> word, List<int> ids)
        {
            if (FindWhole(word) is { } whole)
            {
                ids.Add(whole);
                return;
            }
            _merger.Clear();
            for (int i = 0; i < word.Length; i++) _merger.Add(i, 1, tokenizer._byteTokens[word[i]]);
            _merger.Merge(word, cancellationToken);
            foreach (ref readonly Symbol symbol in _merger.Remaining)
            {
                // A byte that has no token is left out, as in the reference.
                if (symbol.Id >= 0) ids.Add(symbol.Id);
            }
        }

        int? FindWhole(ReadOnlySpan<byte> word)
        {
            if (word.Length > tokenizer._longestWholeWord) return null;
            const int StackLimit = 256;
            Span<char> characters = word.Length <= StackLimit ? stackalloc char[word.Length] : new char[word.Length];
            for (int i = 0; i < word.Length; i++) characters[i] = ByteLevelAlphabet.CharacterOf(word[i]);
            return tokenizer._wholeWords.TryGetValue(characters, out int id) ? id : null;
        }
    }
}
