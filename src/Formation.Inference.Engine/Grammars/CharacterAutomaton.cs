using System.Text;

namespace Formation.Inference.Engine.Grammars;

/// <summary>
/// A set of texts as a deterministic automaton over characters: what can be intersected and turned round, as grammars can't. From each state an end
/// can be come to. Immutable; state 0 is the first.
/// </summary>
/// <remarks>Any operation may throw a <see cref="GrammarException"/>: its result would have more than <see cref="MostStates"/> states.</remarks>
internal sealed class CharacterAutomaton
{
    /// <summary>States of an automaton at most.</summary>
    public const int MostStates = 20_000;

    private readonly State[] _states;

    private CharacterAutomaton(State[] states) => _states = states;

    /// <summary>A step over a character of a range.</summary>
    internal readonly record struct Edge(CharacterRange Range, int Target);

    /// <summary>A place in a text.</summary>
    /// <param name="Edges">In the order of their ranges, which don't overlap.</param>
    /// <param name="IsEnd">Whether the text may end here.</param>
    internal sealed record State(IReadOnlyList<Edge> Edges, bool IsEnd);

    /// <summary>Whether there is no text in it.</summary>
    public bool IsEmpty => _states is [{ IsEnd: false, Edges.Count: 0 }];

    /// <summary>The texts of an expression without references to rules.</summary>
    public static CharacterAutomaton Of(GrammarExpression expression) => Trimmed(CharacterSubsets.Of(expression));

    /// <summary>The texts of an automaton whose states are given.</summary>
    public static CharacterAutomaton Of(IReadOnlyList<State> states) => Trimmed(states);

    /// <summary>All texts of a number of characters.</summary>
    public static CharacterAutomaton OfLength(int least, int? most) => Of(GrammarExpression.Repeat(GrammarExpression.Characters(CharacterRange.All), least, most));

    /// <summary>The texts that are in this and in another one.</summary>
    public CharacterAutomaton Intersect(CharacterAutomaton other)
    {
        var numbers = new Dictionary<(int, int), int> { [(0, 0)] = 0 };
        var pairs = new List<(int One, int Other)> { (0, 0) };
        var states = new List<State>();
        while (states.Count < pairs.Count)
        {
            var (one, two) = (_states[pairs[states.Count].One], other._states[pairs[states.Count].Other]);
            var edges = new List<Edge>();
            for (int i = 0, j = 0; i < one.Edges.Count && j < two.Edges.Count;)
            {
                var (left, right) = (one.Edges[i], two.Edges[j]);
                var range = new CharacterRange(Math.Max(left.Range.First, right.Range.First), Math.Min(left.Range.Last, right.Range.Last));
                if (range.First <= range.Last)
                    edges.Add(new Edge(range, Number((left.Target, right.Target))));
                if (left.Range.Last < right.Range.Last)
                    i++;
                else
                    j++;
            }
            states.Add(new State(edges, one.IsEnd && two.IsEnd));
        }
        return Trimmed(states);

        int Number((int, int) pair)
        {
            if (!numbers.TryGetValue(pair, out var number))
            {
                Check(pairs.Count);
                numbers[pair] = number = pairs.Count;
                pairs.Add(pair);
            }
            return number;
        }
    }

    /// <summary>All texts that are not in it.</summary>
    public CharacterAutomaton Complement()
    {
        var rest = _states.Length;
        var states = new List<State>();
        foreach (var state in _states)
        {
            var gaps = CharacterRange.Complement(state.Edges.Select(edge => edge.Range)).Select(range => new Edge(range, rest));
            states.Add(new State([.. state.Edges.Concat(gaps).OrderBy(edge => edge.Range.First)], !state.IsEnd));
        }
        states.Add(new State([new Edge(CharacterRange.All, rest)], true));
        return Trimmed(states);
    }

    /// <summary>The same texts with as few states as can be (Moore's algorithm).</summary>
    public CharacterAutomaton Minimize()
    {
        var classes = Array.ConvertAll(_states, state => state.IsEnd ? 1 : 0);
        for (var before = 0; ;)
        {
            var numbers = new Dictionary<string, int>(StringComparer.Ordinal);
            // The first state's class has number 0.
            classes = [.. Enumerable.Range(0, classes.Length).Select(state => Number(Signature(state)))];
            if (numbers.Count == before)
                break;
            before = numbers.Count;

            int Number(string signature) => numbers.TryGetValue(signature, out var number) ? number : numbers[signature] = numbers.Count;
        }
        var states = new State[classes.Max() + 1];
        for (var state = classes.Length - 1; state >= 0; state--)
            states[classes[state]] = new State(Merged(state), _states[state].IsEnd);
        return new CharacterAutomaton(states);

        string Signature(int state) => $"{classes[state]}:{string.Join(',', Merged(state).Select(edge => $"{edge.Range.First}-{edge.Range.Last}-{edge.Target}"))}";

        List<Edge> Merged(int state)
        {
            var merged = new List<Edge>();
            foreach (var edge in _states[state].Edges)
            {
                var target = classes[edge.Target];
                if (merged.Count > 0 && merged[^1].Target == target && merged[^1].Range.Last + 1 == edge.Range.First)
                    merged[^1] = new Edge(merged[^1].Range with { Last = edge.Range.Last }, target);
                else
                    merged.Add(edge with { Target = target });
            }
            return merged;
        }
    }

    /// <summary>Whether a text is in it.</summary>
    public bool Takes(string text)
    {
        var state = _states[0];
        foreach (var rune in text.EnumerateRunes())
        {
            var index = state.Edges.ToList().FindIndex(edge => rune.Value >= edge.Range.First && rune.Value <= edge.Range.Last);
            if (index < 0)
                return false;
            state = _states[state.Edges[index].Target];
        }
        return state.IsEnd;
    }

    /// <summary>Writes it as rules, one for each state, that call each other at their ends only.</summary>
    /// <param name="rules">Where they go.</param>
    /// <param name="name">What their names begin with.</param>
    /// <param name="spell">What stands in a text for a character of some ranges.</param>
    /// <returns>What calls the first.</returns>
    public GrammarExpression AddTo(IDictionary<string, GrammarExpression> rules, string name, Func<IReadOnlyList<CharacterRange>, GrammarExpression> spell)
    {
        // From the last on: whoever looks through the rules in order finds what a rule stands on before it.
        for (var state = _states.Length - 1; state >= 0; state--)
        {
            var alternatives = _states[state].Edges.GroupBy(edge => edge.Target)
                .Select(edges => GrammarExpression.Sequence(spell(CharacterRange.Normalize(edges.Select(edge => edge.Range))), GrammarExpression.Rule($"{name}.{edges.Key}")))
                .ToList();
            if (_states[state].IsEnd)
                alternatives.Add(GrammarExpression.Empty);
            rules[$"{name}.{state}"] = GrammarExpression.Choice([.. alternatives]);
        }
        return GrammarExpression.Rule($"{name}.0");
    }

    internal static void Check(int states)
    {
        if (states > MostStates)
            throw new GrammarException($"a set of texts is too complicated: its automaton has more than {MostStates} states");
    }

    // Without states that no end can be come to from, or that can't be come to.
    private static CharacterAutomaton Trimmed(IReadOnlyList<State> states)
    {
        Check(states.Count);
        var sources = states.Select(_ => new List<int>()).ToArray();
        for (var state = 0; state < states.Count; state++)
            foreach (var edge in states[state].Edges)
                sources[edge.Target].Add(state);
        var useful = new bool[states.Count];
        var open = new Stack<int>(Enumerable.Range(0, states.Count).Where(state => states[state].IsEnd));
        while (open.TryPop(out var state))
        {
            if (useful[state])
                continue;
            useful[state] = true;
            foreach (var source in sources[state])
                open.Push(source);
        }
        var (numbers, order) = (new Dictionary<int, int> { [0] = 0 }, new List<int> { 0 });
        var kept = new List<State>();
        while (kept.Count < order.Count)
        {
            var state = states[order[kept.Count]];
            var edges = new List<Edge>();
            foreach (var edge in state.Edges.Where(edge => useful[edge.Target]))
            {
                if (!numbers.TryGetValue(edge.Target, out var number))
                {
                    numbers[edge.Target] = number = order.Count;
                    order.Add(edge.Target);
                }
                edges.Add(edge with { Target = number });
            }
            kept.Add(new State(edges, state.IsEnd));
        }
        return new CharacterAutomaton([.. kept]);
    }
}
