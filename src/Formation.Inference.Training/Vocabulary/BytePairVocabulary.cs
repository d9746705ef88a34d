using System.Text;
using Formation.Inference.Engine.Tokenization;

namespace Formation.Inference.Training.Vocabulary;

/// <summary>
/// A byte-level BPE vocabulary: control tokens first, then the 256 bytes, then one token for each merge in the order in which they were
/// learnt.
/// </summary>
public sealed class BytePairVocabulary
{
    /// <summary>Ends a text that is no chat; also what begins one where a beginning is needed.</summary>
    public const string EndOfText = "<|endoftext|>";

    /// <summary>Begins a turn.</summary>
    public const string TurnStart = "<|im_start|>";

    /// <summary>Ends a turn.</summary>
    public const string TurnEnd = "<|im_end|>";

    /// <summary>The control tokens, in the order of their ids.</summary>
    public static readonly IReadOnlyList<string> ControlTokens = [EndOfText, TurnStart, TurnEnd];

    /// <summary>
    /// The rule that cuts text into the words that merges may not cross, as GGUF files name it: single digits, then GPT-2's pattern.
    /// </summary>
    public const string PreTokenizerName = "smollm";

    private static readonly PreTokenizer Words = PreTokenizer.ForName(PreTokenizerName);

    private readonly List<byte[]> _bytes = [];
    private readonly Dictionary<(int Left, int Right), int> _ranks = [];
    private readonly Dictionary<string, int[]> _known = new(StringComparer.Ordinal);

    /// <param name="merges">Pairs of token ids, each below the id that the merge itself gets.</param>
    /// <exception cref="ArgumentException">A merge names a token that does not exist yet, or appears twice.</exception>
    public BytePairVocabulary(IReadOnlyList<(int Left, int Right)> merges)
    {
        foreach (var control in ControlTokens)
            _bytes.Add(Encoding.UTF8.GetBytes(control));
        for (var value = 0; value < 256; value++)
            _bytes.Add([(byte)value]);
        foreach (var merge in merges)
        {
            if (!IsText(merge.Left) || !IsText(merge.Right) || !_ranks.TryAdd(merge, _bytes.Count))
                throw new ArgumentException(
                    $"merge {_ranks.Count} of tokens {merge.Left} and {merge.Right} is not possible", nameof(merges));
            _bytes.Add([.. _bytes[merge.Left], .. _bytes[merge.Right]]);
        }
        Merges = merges;
    }

    /// <summary>Tokens.</summary>
    public int Count => _bytes.Count;

    public IReadOnlyList<(int Left, int Right)> Merges { get; }

    /// <summary>The id of a byte's own token.</summary>
    public static int ByteToken(byte value) => ControlTokens.Count + value;

    /// <summary>Whether a token is a control token.</summary>
    public static bool IsControl(int token) => token < ControlTokens.Count;

    /// <summary>The id of a control token.</summary>
    public static int Control(string token)
    {
        for (var i = 0; i < ControlTokens.Count; i++)
        {
            if (ControlTokens[i] == token)
                return i;
        }
        throw new ArgumentException($"{token} is not a control token", nameof(token));
    }

    /// <summary>A token as GGUF files write it: control tokens as they are, others in the byte alphabet.</summary>
    public string Written(int token) => IsControl(token) ? ControlTokens[token] : ByteAlphabet.Of(_bytes[token]);

    /// <summary>The tokens of a text in which nothing is a control token.</summary>
    public void Encode(string text, List<int> tokens)
    {
        foreach (var piece in WordsOf(text))
        {
            if (!_known.TryGetValue(piece, out var ids))
                _known[piece] = ids = Merge(piece);
            tokens.AddRange(ids);
        }
    }

    /// <inheritdoc cref="Encode(string, List{int})"/>
    public List<int> Encode(string text)
    {
        List<int> tokens = [];
        Encode(text, tokens);
        return tokens;
    }

    /// <summary>The text of some tokens.</summary>
    public string Decode(IEnumerable<int> tokens) => Encoding.UTF8.GetString([.. tokens.SelectMany(token => _bytes[token])]);

    /// <summary>The words of a text, in order; together they are the text.</summary>
    internal static IEnumerable<string> WordsOf(string text) =>
        Words.Split(text).Select(range => text.Substring(range.Start, range.Length));

    private bool IsText(int token) => token >= ControlTokens.Count && token < _bytes.Count;

    private int[] Merge(string piece)
    {
        var tokens = Encoding.UTF8.GetBytes(piece).Select(ByteToken).ToList();
        while (true)
        {
            var (best, place) = (int.MaxValue, -1);
            for (var i = 0; i + 1 < tokens.Count; i++)
            {
                if (_ranks.TryGetValue((tokens[i], tokens[i + 1]), out var rank) && rank < best)
                    (best, place) = (rank, i);
            }
            if (place < 0)
                return [.. tokens];
            tokens[place] = best;
            tokens.RemoveAt(place + 1);
        }
    }
}
