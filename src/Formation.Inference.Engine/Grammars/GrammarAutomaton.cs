namespace Formation.Inference.Engine.Grammars;

/// <summary>
/// A grammar as states with edges: an edge takes a byte of a range, or calls a rule and goes on at another state behind it. Immutable.
/// </summary>
/// <param name="states">The states, by their numbers.</param>
/// <param name="start">The first state of the whole text's rule.</param>
/// <param name="repeats">Parts that stand several times in a row; those in others come before these.</param>
internal sealed class GrammarAutomaton(IReadOnlyList<GrammarAutomaton.State> states, int start, IReadOnlyList<GrammarAutomaton.Repeat> repeats)
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

    /// <summary>Copies of the same states, one behind the other; to get over one takes a byte at least.</summary>
    /// <param name="First">The first state of the first copy.</param>
    /// <param name="Size">States of each.</param>
    /// <param name="Copies">How many there are.</param>
    internal readonly record struct Repeat(int First, int Size, int Copies);

    /// <summary>The first state of the whole text's rule.</summary>
    public int Start => start;

    public int Count => states.Count;

    public State this[int index] => states[index];

    /// <summary>
    /// For each state one from which the same goes on for a number of bytes: of the copies of a repeated part, those that so many bytes don't lead out of
    /// are all the same.
    /// </summary>
    public int[] AlikeFor(int bytes)
    {
        int[] alike = [.. Enumerable.Range(0, states.Count)];
        foreach (var repeat in repeats)
        {
            // From the last copies something else can be come to.
            var common = repeat.Copies - 2 - bytes;
            for (var state = repeat.First; state < repeat.First + common * repeat.Size; state++)
                alike[state] = alike[repeat.First + common * repeat.Size + (state - repeat.First) % repeat.Size];
        }
        return alike;
    }
}
