namespace Formation.Inference.Engine.Grammars;

/// <summary>
/// Which tokens may follow a state with another one below it, as long as not both have ended, and where in the tree of tokens both may have. States that are
/// copies of each other share what is the same: a token is so short that it makes no difference whether 900 or 800 characters may still follow.
/// </summary>
/// <remarks>Numbers of states never change, so that this stays when the places are forgotten. Not safe for more than one thread.</remarks>
internal sealed class StateMasks
{
    /// <summary>Pairs of states that are kept at most.</summary>
    public const int MostPairs = 512;

    // Bytes for which copies are compared. Where they differ behind so many, only longer tokens are looked at again, and most are short.
    private static readonly int[] Levels = [4, 6, 10, 16, 32];

    private readonly GrammarMatcher _matcher;
    private readonly TokenTrie _trie;
    private readonly Dictionary<(int State, int Below), (ulong[] Allowed, int[] Exits)> _pairs = [];
    private readonly Dictionary<int, int[]> _alike = [];
    private readonly Dictionary<int, ulong[]> _short = [];
    private readonly int[] _path;

    public StateMasks(GrammarMatcher matcher, TokenTrie trie)
    {
        (_matcher, _trie) = (matcher, trie);
        _path = new int[trie.Depth + 1];
    }

    /// <summary>The pair of states for which the same tokens may follow as for another.</summary>
    /// <param name="state">The state.</param>
    /// <param name="below">The one below it, or <see cref="GrammarMatcher.Dead"/> for none.</param>
    public (int State, int Below) Alike(int state, int below) => Alike((state, below), _trie.Depth);

    /// <param name="pair">As <see cref="Alike(int, int)"/> returns it.</param>
    /// <returns>The tokens that may follow, and the nodes of the tree behind which both may have ended.</returns>
    /// <exception cref="GrammarException">There are too many ways to read a text.</exception>
    public (ulong[] Allowed, int[] Exits) At((int State, int Below) pair) => Exactly(pair);

    private (ulong[] Allowed, int[] Exits) Exactly((int State, int Below) pair)
    {
        if (_pairs.TryGetValue(pair, out var known))
            return known;
        if (_pairs.Count >= MostPairs)
            _pairs.Clear();
        for (var level = Levels.Length - 1; level >= 0; level--)
            if (Levels[level] < _trie.Depth && Alike(pair, Levels[level]) is var other && other != pair)
                return _pairs[pair] = Walk(pair, Exactly(other), Levels[level]);
        return _pairs[pair] = Walk(pair, (new ulong[(_trie.VocabularySize + 63) / 64], []), 0);
    }

    // With what is the same for the first bytes already known.
    private (ulong[] Allowed, int[] Exits) Walk((int State, int Below) pair, (ulong[] Allowed, int[] Exits) same, int bytes)
    {
        var nodes = _trie.Nodes;
        var mask = (ulong[])same.Allowed.Clone();
        if (bytes > 0)
            TakeShort(bytes, mask);
        var exits = new List<int>();
        foreach (var exit in same.Exits)
            if (nodes[exit].Depth <= bytes)
                exits.Add(exit);
        _path[0] = _matcher.PlaceOf(pair.State, pair.Below);
        for (var i = 0; i < nodes.Length;)
        {
            ref readonly var node = ref nodes[i];
            if (node.Longest <= bytes)
            {
                i = node.End;
                continue;
            }
            var next = _matcher.Step(_path[node.Depth - 1], node.Byte);
            if (next == GrammarMatcher.Dead)
            {
                i = node.End;
                continue;
            }
            _path[node.Depth] = next;
            if (node.Depth > bytes)
            {
                if (_matcher.MayGoOn(next))
                    foreach (var token in _trie.Tokens(node))
                        mask[token >> 6] |= 1UL << token;
                if (_matcher.MayEnd(next))
                    exits.Add(i);
            }
            i++;
        }
        return (mask, [.. exits]);
    }

    // Leaves the tokens of so many bytes at most.
    private void TakeShort(int bytes, ulong[] mask)
    {
        if (!_short.TryGetValue(bytes, out var tokens))
        {
            _short[bytes] = tokens = new ulong[mask.Length];
            foreach (var node in _trie.Nodes)
                if (node.Depth <= bytes)
                    foreach (var token in _trie.Tokens(node))
                        tokens[token >> 6] |= 1UL << token;
        }
        for (var i = 0; i < mask.Length; i++)
            mask[i] &= tokens[i];
    }

    private (int State, int Below) Alike((int State, int Below) pair, int bytes)
    {
        if (!_alike.TryGetValue(bytes, out var alike))
            _alike[bytes] = alike = _matcher.AlikeFor(bytes);
        return (alike[pair.State], pair.Below == GrammarMatcher.Dead ? GrammarMatcher.Dead : alike[pair.Below]);
    }
}
