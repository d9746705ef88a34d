using Formation.Inference.Engine.Tokenization.Vocabularies;

namespace Formation.Inference.Engine.Tokenization;

/// <summary>A set of byte strings with a number each, which finds the strings that a text starts with.</summary>
internal sealed class ByteTrie
{
    readonly Dictionary<long, int> _children = [];
    readonly List<int> _values = [-1];

    /// <summary>The node of the empty string.</summary>
    public const int Root = 0;

    /// <summary>Adds a string. The first of two equal ones stays.</summary>
    /// <exception cref="VocabularyException">The strings are longer together than any vocabulary needs.</exception>
    public void Add(ReadOnlySpan<byte> key, int value)
    {
        int node = Root;
        foreach (byte next in key)
        {
            if (!_children.TryGetValue(Edge(node, next), out int child))
            {
                child = _values.Count;
                VocabularyLimits.CheckTotal("special tokens", child, VocabularyLimits.MaximumTrieBytes);
                _values.Add(-1);
                _children.Add(Edge(node, next), child);
            }
            node = child;
        }
        if (_values[node] < 0) _values[node] = value;
    }

    /// <summary>The node that <paramref name="next"/> leads to, or -1.</summary>
    public int Step(int node, byte next) => _children.TryGetValue(Edge(node, next), out int child) ? child : -1;

    /// <summary>The number of the string that ends at a node, or -1.</summary>
    public int ValueAt(int node) => _values[node];

    static long Edge(int node, byte next) => (long)node << 8 | next;
}
