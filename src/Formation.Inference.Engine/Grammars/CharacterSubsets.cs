using System.Text;

namespace Formation.Inference.Engine.Grammars;

/// <summary>Makes deterministic states of an expression: Thompson's construction over characters, and then its sets of states.</summary>
internal sealed class CharacterSubsets
{
    private const int MostDepth = 256;
    private const int MostNodes = 5 * CharacterAutomaton.MostStates;

    // The work in one expression, whose states may have many ways to be read.
    private const int MostSteps = 5_000_000;

    private readonly List<List<CharacterAutomaton.Edge>> _edges = [];
    private readonly List<List<int>> _skips = [];
    private int _steps;

    private CharacterSubsets()
    {
    }

    /// <exception cref="GrammarException">It is too large, or has references to rules.</exception>
    public static IReadOnlyList<CharacterAutomaton.State> Of(GrammarExpression expression)
    {
        var subsets = new CharacterSubsets();
        var end = subsets.Build(expression, subsets.Add(), 0);
        return subsets.Determine(end);
    }

    private int Build(GrammarExpression expression, int from, int depth)
    {
        if (depth > MostDepth)
            throw new GrammarException($"expressions stand more than {MostDepth} deep in each other");
        switch (expression)
        {
            case GrammarLiteral literal:
                foreach (var rune in Encoding.UTF8.GetString(literal.Bytes.Span).EnumerateRunes())
                    from = Step([CharacterRange.Of(rune.Value)], from);
                return from;
            case GrammarCharacters characters:
                return Step(characters.Ranges, from);
            case GrammarSequence sequence:
                foreach (var part in sequence.Parts)
                    from = Build(part, from, depth + 1);
                return from;
            case GrammarChoice choice:
                var end = Add();
                foreach (var alternative in choice.Alternatives)
                {
                    var begin = Add();
                    _skips[from].Add(begin);
                    _skips[Build(alternative, begin, depth + 1)].Add(end);
                }
                return end;
            case GrammarRepetition repetition:
                return Repeat(repetition, from, depth);
            default:
                throw new GrammarException($"{expression.GetType().Name} is no part of a set of texts");
        }
    }

    private int Repeat(GrammarRepetition repetition, int from, int depth)
    {
        var state = Add();
        _skips[from].Add(state);
        for (var i = 0; i < repetition.Least; i++)
            state = Build(repetition.Item, state, depth + 1);
        var end = Add();
        if (repetition.Most is not { } most)
        {
            var loop = Add();
            _skips[state].Add(loop);
            _skips[Build(repetition.Item, loop, depth + 1)].Add(loop);
            _skips[loop].Add(end);
            return end;
        }
        for (var i = repetition.Least; i < most; i++)
        {
            _skips[state].Add(end);
            state = Build(repetition.Item, state, depth + 1);
        }
        _skips[state].Add(end);
        return end;
    }

    private int Step(IReadOnlyList<CharacterRange> ranges, int from)
    {
        var to = Add();
        foreach (var range in ranges)
            _edges[from].Add(new CharacterAutomaton.Edge(range, to));
        return to;
    }

    private int Add()
    {
        if (_edges.Count >= MostNodes)
            throw new GrammarException($"a set of texts is too large: its expression has more than {MostNodes} places");
        _edges.Add([]);
        _skips.Add([]);
        return _edges.Count - 1;
    }

    private List<CharacterAutomaton.State> Determine(int end)
    {
        var numbers = new Dictionary<string, int>(StringComparer.Ordinal);
        var sets = new List<int[]>();
        var states = new List<CharacterAutomaton.State>();
        Number([0]);
        while (states.Count < sets.Count)
        {
            var set = sets[states.Count];
            var edges = set.SelectMany(node => _edges[node]).ToList();
            // Characters between two borders lead to the same places.
            int[] borders = [.. edges.SelectMany(edge => (int[])[edge.Range.First, edge.Range.Last + 1]).Distinct().Order()];
            var steps = new List<CharacterAutomaton.Edge>();
            for (var i = 0; i + 1 < borders.Length; i++)
            {
                Count(edges.Count);
                int[] targets = [.. edges.Where(edge => edge.Range.First <= borders[i] && edge.Range.Last >= borders[i]).Select(edge => edge.Target)];
                if (targets.Length > 0)
                    steps.Add(new CharacterAutomaton.Edge(new CharacterRange(borders[i], borders[i + 1] - 1), Number(targets)));
            }
            states.Add(new CharacterAutomaton.State(steps, set.Contains(end)));
        }
        return states;

        int Number(IEnumerable<int> nodes)
        {
            var closed = Closed(nodes);
            var key = string.Join(',', closed);
            if (!numbers.TryGetValue(key, out var number))
            {
                CharacterAutomaton.Check(sets.Count);
                numbers[key] = number = sets.Count;
                sets.Add(closed);
            }
            return number;
        }
    }

    // With the nodes that steps over nothing lead to; only those count that a character or the end can follow.
    private int[] Closed(IEnumerable<int> nodes)
    {
        var seen = new HashSet<int>(nodes);
        var open = new Stack<int>(seen);
        while (open.TryPop(out var node))
        {
            Count(1);
            foreach (var skip in _skips[node])
                if (seen.Add(skip))
                    open.Push(skip);
        }
        return [.. seen.Where(node => _edges[node].Count > 0 || _skips[node].Count == 0).Order()];
    }

    private void Count(int steps)
    {
        if ((_steps += steps) > MostSteps)
            throw new GrammarException("a set of texts is too complicated: it takes too long to tell its texts apart");
    }
}
