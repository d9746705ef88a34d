using System.Numerics;

namespace Formation.Inference.Engine.Grammars;

/// <summary>
/// Which tokens a grammar allows at a place: a bit for each. What was found once is kept for texts that come to the same place, up to
/// <see cref="MostMasks"/>.
/// </summary>
/// <remarks>Not safe for more than one thread.</remarks>
internal sealed class TokenMasks
{
    /// <summary>Masks that are kept at most.</summary>
    public const int MostMasks = 1024;

    private readonly GrammarMatcher _matcher;
    private readonly TokenTrie _trie;
    private readonly Dictionary<int, ulong[]> _masks = [];
    private readonly int[] _path;

    public TokenMasks(GrammarMatcher matcher, TokenTrie trie)
    {
        (_matcher, _trie) = (matcher, trie);
        _path = new int[trie.Depth + 1];
    }

    /// <summary>The tokens whose text may follow. Bit <c>t % 64</c> of word <c>t / 64</c> is token t's.</summary>
    /// <exception cref="GrammarException">There are too many ways to read a text.</exception>
    public ReadOnlySpan<ulong> At(int place)
    {
        if (_masks.TryGetValue(place, out var known))
            return known;
        if (_masks.Count >= MostMasks)
            _masks.Clear();
        return _masks[place] = Compute(place);
    }

    /// <summary>Forgets all masks: places have got other numbers.</summary>
    public void Clear() => _masks.Clear();

    private ulong[] Compute(int place)
    {
        var mask = new ulong[(_trie.VocabularySize + 63) / 64];
        _path[0] = place;
        var nodes = _trie.Nodes;
        for (var i = 0; i < nodes.Length;)
        {
            ref readonly var node = ref nodes[i];
            var next = _matcher.Step(_path[node.Depth - 1], node.Byte);
            if (next == GrammarMatcher.Dead)
            {
                i = node.End;
                continue;
            }
            _path[node.Depth] = next;
            foreach (var token in _trie.Tokens(node))
                mask[token >> 6] |= 1UL << token;
            i++;
        }
        return mask;
    }

    /// <summary>How many tokens a mask allows.</summary>
    public static int Count(ReadOnlySpan<ulong> mask)
    {
        var count = 0;
        foreach (var word in mask)
            count += BitOperations.PopCount(word);
        return count;
    }
}
