using Formation.Inference.Engine.Tokenization.Vocabularies;

namespace Formation.Inference.Engine.Tokenization.Merging;

/// <summary>The merges of a byte-level vocabulary, as pairs of ids.</summary>
internal sealed class BytePairRule : MergeRule
{
    readonly Dictionary<(int Left, int Right), (int Rank, int Product)> _merges;

    /// <param name="merges">Pairs of token texts with a space between, the most urgent first.</param>
    /// <exception cref="VocabularyException">A merge is malformed, or speaks of a token that is not there.</exception>
    public BytePairRule(Vocabulary vocabulary, IReadOnlyList<string> merges)
    {
        VocabularyLimits.CheckCount("merges", merges.Count, VocabularyLimits.MaximumMerges);
        _merges = new Dictionary<(int, int), (int, int)>(merges.Count);
        for (int rank = 0; rank < merges.Count; rank++)
        {
            string merge = merges[rank];
            // The left token may itself start with a space.
            int space = merge.Length < 2 ? -1 : merge.IndexOf(' ', 1);
            if (space < 0 || space == merge.Length - 1)
                throw new VocabularyException($"Merge {rank} (tokenizer.ggml.merges) is not two tokens with a space between.");
            int left = Require(vocabulary, merge[..space], rank), right = Require(vocabulary, merge[(space + 1)..], rank);
            int product = Require(vocabulary, string.Concat(merge.AsSpan(0, space), merge.AsSpan(space + 1)), rank);
            // Text must never become a control token, whatever the file says.
            if (vocabulary.IsSpelledOut(product)) _merges.TryAdd((left, right), (rank, product));
        }
    }

    public override int Find(ReadOnlySpan<byte> text, in Symbol left, in Symbol right, out int product)
    {
        bool found = _merges.TryGetValue((left.Id, right.Id), out (int Rank, int Product) merge);
        product = merge.Product;
        return found ? merge.Rank : None;
    }

    static int Require(Vocabulary vocabulary, string text, int rank)
        => vocabulary.Find(text)
            ?? throw new VocabularyException($"Merge {rank} (tokenizer.ggml.merges) needs a token that the vocabulary does not have.");
}
