namespace Formation.Inference.Engine.Grammars;

/// <summary>
/// A grammar as states with edges: an edge takes a byte of a range, or calls a rule and goes on at another state behind it. Immutable.
/// </summary>
internal sealed class GrammarAutomaton(IReadOnlyList<GrammarAutomaton.State> states, int start)
{
    /// <summary>A step over one byte.</summary>
    /// <param name="First">The lowest byte.</param>
    /// <param name="Last">The highest.</param>
    /// <param name="Target">The state behind it.</param>
    internal readonly record struct ByteEdge(byte First, byte Last, int Target);

    /// <summary>A step over what a rule says.</summary>
    /// <param name="Start">The rule's first state.</param>
    /// <param name="Return">The state behind it.</param>
    internal readonly record struct Call(int Start, int Return);

    /// <summary>A place in a rule.</summary>
    /// <param name="Edges">Steps over bytes.</param>
    /// <param name="Calls">Steps over rules.</param>
    /// <param name="IsEnd">Whether the rule may end here.</param>
    internal sealed record State(ByteEdge[] Edges, Call[] Calls, bool IsEnd)
    {
        /// <summary>Whether nothing but the end is here: who calls a rule just before it need not come back.</summary>
        public bool IsOnlyEnd => IsEnd && Edges.Length == 0 && Calls.Length == 0;
    }

    /// <summary>The first state of the whole text's rule.</summary>
    public int Start => start;

    public int Count => states.Count;

    public State this[int index] => states[index];
}
