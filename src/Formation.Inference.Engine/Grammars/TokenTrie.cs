namespace Formation.Inference.Engine.Grammars;

/// <summary>
/// The byte strings of a vocabulary as one tree, in the order in which a walk comes through it: so that all tokens that begin alike are passed over
/// with one step. Immutable; safe from any thread.
/// </summary>
internal sealed class TokenTrie
{
    private readonly Node[] _nodes;
    private readonly int[] _tokens;

    private TokenTrie(Node[] nodes, int[] tokens, int vocabularySize, int depth) => (_nodes, _tokens, VocabularySize, Depth) = (nodes, tokens, vocabularySize, depth);

    /// <summary>A node, in the order of the walk.</summary>
    /// <param name="Byte">That leads to it from the node above.</param>
    /// <param name="Depth">Bytes up to it; from 1.</param>
    /// <param name="End">The node behind all below this one.</param>
    /// <param name="FirstToken">Of those that end here, in <see cref="Tokens"/>.</param>
    /// <param name="TokenCount">How many do.</param>
    /// <param name="Longest">Bytes of the longest token that goes through it or ends here.</param>
    internal readonly record struct Node(byte Byte, int Depth, int End, int FirstToken, int TokenCount, int Longest);

    /// <summary>Ids are below it.</summary>
    public int VocabularySize { get; }

    /// <summary>Bytes of the longest token.</summary>
    public int Depth { get; }

    public ReadOnlySpan<Node> Nodes => _nodes;

    /// <summary>The ids of the tokens that end at a node.</summary>
    public ReadOnlySpan<int> Tokens(in Node node) => _tokens.AsSpan(node.FirstToken, node.TokenCount);

    /// <param name="tokens">The bytes of each id; empty for tokens that stand for no text.</param>
    public static TokenTrie Of(IReadOnlyList<ReadOnlyMemory<byte>> tokens)
    {
        int[] order = [.. Enumerable.Range(0, tokens.Count).Where(id => !tokens[id].IsEmpty)];
        Array.Sort(order, (one, other) => tokens[one].Span.SequenceCompareTo(tokens[other].Span) is var sign && sign != 0 ? sign : one.CompareTo(other));
        var (nodes, path, depth) = (new List<Node>(), new List<int>(), 0);
        var before = ReadOnlyMemory<byte>.Empty;
        for (var i = 0; i < order.Length; i++)
        {
            var bytes = tokens[order[i]];
            var common = before.Span.CommonPrefixLength(bytes.Span);
            Leave(common);
            for (var at = common; at < bytes.Length; at++)
            {
                path.Add(nodes.Count);
                nodes.Add(new Node(bytes.Span[at], at + 1, 0, i, 0, at + 1));
            }
            nodes[path[^1]] = nodes[path[^1]] with { TokenCount = nodes[path[^1]].TokenCount + 1 };
            (before, depth) = (bytes, Math.Max(depth, bytes.Length));
        }
        Leave(0);
        return new TokenTrie([.. nodes], order, tokens.Count, depth);

        void Leave(int length)
        {
            for (; path.Count > length; path.RemoveAt(path.Count - 1))
            {
                var left = nodes[path[^1]] = nodes[path[^1]] with { End = nodes.Count };
                if (path.Count > 1)
                    nodes[path[^2]] = nodes[path[^2]] with { Longest = Math.Max(nodes[path[^2]].Longest, left.Longest) };
            }
        }
    }
}
