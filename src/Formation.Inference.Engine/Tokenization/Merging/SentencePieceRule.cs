using System.Text;
using Formation.Inference.Engine.Tokenization.Vocabularies;

namespace Formation.Inference.Engine.Tokenization.Merging;

/// <summary>Neighbours merge where their joined text is a token; the higher its score, the sooner.</summary>
internal sealed class SentencePieceRule : MergeRule
{
    readonly Dictionary<byte[], int>.AlternateLookup<ReadOnlySpan<byte>> _idByText;
    readonly int[] _priorities;
    readonly int _longest;

    /// <exception cref="VocabularyException">A score is not a number.</exception>
    public SentencePieceRule(Vocabulary vocabulary, IReadOnlyList<float> scores)
    {
        var idByText = new Dictionary<byte[], int>(vocabulary.Count, ByteStringComparer.Instance);
        for (int id = 0; id < vocabulary.Count; id++)
        {
            if (!float.IsFinite(scores[id]))
                throw new VocabularyException($"The score of token {id} (tokenizer.ggml.scores) is not a finite number.");
            if (!vocabulary.IsSpelledOut(id)) continue;
            byte[] text = Encoding.UTF8.GetBytes(vocabulary.Text(id));
            idByText.Add(text, id);
            _longest = Math.Max(_longest, text.Length);
        }
        _idByText = idByText.GetAlternateLookup<ReadOnlySpan<byte>>();
        _priorities = PrioritiesOf(scores);
    }

    /// <summary>Id of the token with a text, or -1.</summary>
    public int Find(ReadOnlySpan<byte> text) => text.Length <= _longest && _idByText.TryGetValue(text, out int id) ? id : -1;

    public override int Find(ReadOnlySpan<byte> text, in Symbol left, in Symbol right, out int product)
    {
        product = Find(text.Slice(left.Start, left.Length + right.Length));
        return product < 0 ? None : _priorities[product];
    }

    /// <summary>Scores as ranks: 0 for the highest, the same rank for the same score.</summary>
    static int[] PrioritiesOf(IReadOnlyList<float> scores)
    {
        // Negative zero and zero are one score.
        float[] descending = [.. scores.Select(score => score + 0f).Distinct().OrderDescending()];
        var rankByScore = new Dictionary<float, int>(descending.Length);
        for (int rank = 0; rank < descending.Length; rank++) rankByScore[descending[rank]] = rank;
        return [.. scores.Select(score => rankByScore[score + 0f])];
    }
}
