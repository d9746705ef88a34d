namespace Formation.Inference.Engine.Grammars;

/// <summary>Finds rules that begin with themselves: who follows them never comes to a byte.</summary>
internal static class LeftRecursion
{
    /// <param name="states">All states.</param>
    /// <param name="rules">The names of rules by their first states.</param>
    /// <exception cref="GrammarException">There is one; the message names it.</exception>
    public static void Check(GrammarAutomaton.State[] states, IReadOnlyDictionary<int, string> rules)
    {
        var empty = Empty(states, rules.Keys);
        var left = rules.Keys.ToDictionary(rule => rule, rule => Beginnings(states, rule, empty));
        // A rule that only rules that are done with begin with is done with too; what is left over goes round.
        var open = new HashSet<int>(rules.Keys);
        while (open.RemoveWhere(rule => left[rule].All(other => !open.Contains(other))) > 0)
        {
        }
        if (open.Count > 0)
            throw new GrammarException($"the rule '{rules[open.Min()]}' begins with itself (left recursion)");
    }

    // Rules that may say nothing.
    private static HashSet<int> Empty(GrammarAutomaton.State[] states, IEnumerable<int> rules)
    {
        var empty = new HashSet<int>();
        var open = rules.ToList();
        for (var found = true; found;)
        {
            found = false;
            foreach (var rule in open.Where(rule => !empty.Contains(rule)))
                if (Reached(states, rule, empty).Any(state => states[state].IsEnd))
                    found = empty.Add(rule);
        }
        return empty;
    }

    private static HashSet<int> Beginnings(GrammarAutomaton.State[] states, int rule, HashSet<int> empty) =>
        [.. Reached(states, rule, empty).SelectMany(state => states[state].Calls).Select(call => call.Start)];

    // States of a rule that are come to before its first byte.
    private static HashSet<int> Reached(GrammarAutomaton.State[] states, int rule, HashSet<int> empty)
    {
        var seen = new HashSet<int> { rule };
        var open = new Stack<int>([rule]);
        while (open.TryPop(out var state))
            foreach (var call in states[state].Calls)
                if (empty.Contains(call.Start) && seen.Add(call.Return))
                    open.Push(call.Return);
        return seen;
    }
}
