namespace Formation.Inference.Engine.Grammars;

/// <summary>
/// Which tokens a grammar allows at a place: a bit for each. What was found once is kept for texts that come to the same place, up to
/// <see cref="MostMasks"/>.
/// </summary>
/// <remarks>
/// A place is some frames, and allows what any of them allows. What a frame allows while neither its rule nor the one below ends depends on two states only
/// (<see cref="StateMasks"/>); what is left are tokens that go on behind these, and they are few. So a new place of known states costs little, and only new
/// states cost a walk through all tokens. Not safe for more than one thread.
/// </remarks>
internal sealed class TokenMasks
{
    /// <summary>Masks that are kept at most.</summary>
    public const int MostMasks = 512;

    // Places of more frames are between the parts of a text, where few tokens may follow and a walk ends soon.
    private const int MostHeads = 8;

    private readonly GrammarMatcher _matcher;
    private readonly TokenTrie _trie;
    private readonly StateMasks _states;
    private readonly Dictionary<int, ulong[]> _masks = [];
    private readonly Dictionary<((int State, int Below) Pair, int Behind), ulong[]> _frames = [];
    private readonly int[] _path;

    public TokenMasks(GrammarMatcher matcher, TokenTrie trie)
    {
        (_matcher, _trie, _states) = (matcher, trie, new StateMasks(matcher, trie));
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

    /// <summary>Forgets the masks of places: these have got other numbers.</summary>
    public void Clear()
    {
        _masks.Clear();
        _frames.Clear();
    }

    private ulong[] Compute(int place)
    {
        var mask = new ulong[(_trie.VocabularySize + 63) / 64];
        // Numbers of frames, not of the array: what follows finds new places.
        var heads = _matcher.Heads(place).ToArray();
        if (heads.Length > MostHeads || heads.Any(head => _matcher.FrameAt(head).Depth > GrammarMatcher.MostDepth / 2))
        {
            Walk(place, 0, _trie.Nodes.Length, 0, mask);
            return mask;
        }
        foreach (var head in heads)
        {
            var (state, below, rest, _) = _matcher.FrameAt(head);
            var behind = rest == GrammarMatcher.Dead ? GrammarMatcher.Dead : _matcher.PlaceOf(rest);
            // Who ends where nothing can follow has not got there by way of a state that is kept.
            if (rest != GrammarMatcher.Dead && behind == GrammarMatcher.Dead)
                Walk(place, 0, _trie.Nodes.Length, 0, mask);
            else
                Add(Frame(_states.Alike(state, below), behind), mask);
        }
        return mask;
    }

    private static void Add(ulong[] allowed, ulong[] mask)
    {
        for (var i = 0; i < mask.Length; i++)
            mask[i] |= allowed[i];
    }

    // What a frame of two states allows, with a place that it goes on at when both have ended, or none.
    private ulong[] Frame((int State, int Below) pair, int behind)
    {
        if (_frames.TryGetValue((pair, behind), out var known))
            return known;
        var (allowed, exits) = _states.At(pair);
        if (exits.Length == 0)
            return allowed;
        var mask = (ulong[])allowed.Clone();
        foreach (var exit in exits)
        {
            ref readonly var node = ref _trie.Nodes[exit];
            foreach (var token in _trie.Tokens(node))
                mask[token >> 6] |= 1UL << token;
            if (behind != GrammarMatcher.Dead && exit + 1 < node.End)
                Walk(behind, exit + 1, node.End, node.Depth, mask);
        }
        if (_frames.Count >= MostMasks)
            _frames.Clear();
        return _frames[(pair, behind)] = mask;
    }

    // Over the nodes from one to another, below one of some depth whose place is known.
    private void Walk(int place, int first, int end, int depth, ulong[] mask)
    {
        _path[depth] = place;
        var nodes = _trie.Nodes;
        for (var i = first; i < end;)
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
    }
}
