using System.Text;

namespace Formation.Inference.Training.Vocabulary;

/// <summary>Learns a byte-level BPE vocabulary: again and again the commonest pair of neighbouring tokens becomes a token.</summary>
public static class BytePairTrainer
{
    /// <param name="texts">What to learn from.</param>
    /// <param name="size">Tokens of the vocabulary, control tokens and bytes among them.</param>
    /// <returns>At most that many tokens; fewer where no pair is left that occurs twice.</returns>
    public static BytePairVocabulary Train(IEnumerable<string> texts, int size)
    {
        var first = BytePairVocabulary.ControlTokens.Count + 256;
        ArgumentOutOfRangeException.ThrowIfLessThan(size, first);
        var words = CountWords(texts);
        var pairs = new PairCounts(words);
        List<(int, int)> merges = [];
        while (first + merges.Count < size && pairs.Commonest() is { } pair)
        {
            pairs.Merge(pair, first + merges.Count);
            merges.Add(pair);
        }
        return new BytePairVocabulary(merges);
    }

    private static List<Word> CountWords(IEnumerable<string> texts)
    {
        var counts = new Dictionary<string, long>(StringComparer.Ordinal);
        foreach (var text in texts)
        {
            foreach (var piece in BytePairVocabulary.WordsOf(text))
                counts[piece] = counts.GetValueOrDefault(piece) + 1;
        }
        return [.. counts
            .OrderBy(entry => entry.Key, StringComparer.Ordinal)
            .Select(entry => new Word([.. Encoding.UTF8.GetBytes(entry.Key).Select(BytePairVocabulary.ByteToken)], entry.Value))];
    }

    /// <summary>A distinct piece of text as tokens, and how often it occurs.</summary>
    private sealed record Word(List<int> Tokens, long Count);

    /// <summary>How often each pair of neighbours occurs, and in which words.</summary>
    private sealed class PairCounts
    {
        private readonly List<Word> _words;
        private readonly Dictionary<(int Left, int Right), long> _counts = [];
        private readonly Dictionary<(int Left, int Right), HashSet<int>> _places = [];

        public PairCounts(List<Word> words)
        {
            _words = words;
            for (var i = 0; i < words.Count; i++)
                Change(i, 1);
        }

        /// <summary>The pair with the highest count, of equals the one with the lowest ids; null where none occurs twice.</summary>
        public (int Left, int Right)? Commonest()
        {
            (int, int)? best = null;
            var most = 1L;
            foreach (var (pair, count) in _counts)
            {
                if (count > most || (count == most && best is { } other && pair.CompareTo(other) < 0))
                    (best, most) = (pair, count);
            }
            return best;
        }

        public void Merge((int Left, int Right) pair, int token)
        {
            foreach (var place in _places[pair].Order().ToArray())
            {
                Change(place, -1);
                var tokens = _words[place].Tokens;
                for (var i = 0; i + 1 < tokens.Count; i++)
                {
                    if ((tokens[i], tokens[i + 1]) != pair)
                        continue;
                    tokens[i] = token;
                    tokens.RemoveAt(i + 1);
                }
                Change(place, 1);
            }
        }

        private void Change(int place, int direction)
        {
            var word = _words[place];
            for (var i = 0; i + 1 < word.Tokens.Count; i++)
            {
                var pair = (word.Tokens[i], word.Tokens[i + 1]);
                var count = _counts.GetValueOrDefault(pair) + direction * word.Count;
                if (count > 0)
                    _counts[pair] = count;
                else
                    _counts.Remove(pair);
                if (direction > 0)
                {
                    if (!_places.TryGetValue(pair, out var places))
                        _places[pair] = places = [];
                    places.Add(place);
                }
                else if (_places.TryGetValue(pair, out var places))
                    places.Remove(place);
            }
        }
    }
}
