namespace Formation.Inference.Engine.Grammars;

/// <summary>
/// Makes an automaton of a grammar (Thompson's construction, a rule at a time, with steps over nothing taken out afterwards). The work is bounded by
/// <see cref="MostStates"/> and <see cref="MostEdges"/>, whatever the grammar says.
/// </summary>
internal sealed class GrammarCompiler
{
    /// <summary>States of a grammar at most.</summary>
    public const int MostStates = 200_000;

    /// <summary>Edges of a grammar at most.</summary>
    public const int MostEdges = 2_000_000;

    /// <summary>How deep expressions may stand in each other.</summary>
    public const int MostDepth = 256;

    private readonly GrammarDefinition _definition;
    private readonly List<Draft> _drafts = [];
    private readonly Dictionary<string, (int Start, int End)> _rules = new(StringComparer.Ordinal);
    private readonly List<GrammarAutomaton.Repeat> _repeats = [];
    private readonly HashSet<string> _empty = new(StringComparer.Ordinal);
    private readonly CancellationToken _cancellationToken;
    private int _edges;

    private GrammarCompiler(GrammarDefinition definition, CancellationToken cancellationToken) =>
        (_definition, _cancellationToken) = (definition, cancellationToken);

    /// <exception cref="GrammarException">A rule is missing, begins with itself, or the grammar is too large.</exception>
    /// <exception cref="OperationCanceledException">Its time is over.</exception>
    public static GrammarAutomaton Compile(GrammarDefinition definition, CancellationToken cancellationToken = default) =>
        new GrammarCompiler(definition, cancellationToken).Compile();

    private GrammarAutomaton Compile()
    {
        if (!_definition.Rules.ContainsKey(_definition.Root))
            throw new GrammarException($"there is no rule '{_definition.Root}'");
        foreach (var name in _definition.Rules.Keys)
            _rules[name] = (Add(), Add());
        CheckDepths();
        FindEmpty();
        foreach (var (name, expression) in _definition.Rules)
            _drafts[Build(expression, _rules[name].Start, 0)].Skips.Add(_rules[name].End);
        var ends = _rules.Values.Select(rule => rule.End).ToHashSet();
        GrammarAutomaton.State[] states = [.. Enumerable.Range(0, _drafts.Count).Select(state => Closed(state, ends))];
        LeftRecursion.Check(states, _rules.ToDictionary(rule => rule.Value.Start, rule => rule.Key));
        return new GrammarAutomaton(states, _rules[_definition.Root].Start, _repeats);
    }

    /// <summary>Adds what leads from a state over an expression.</summary>
    /// <returns>The state behind it.</returns>
    private int Build(GrammarExpression expression, int from, int depth)
    {
        switch (expression)
        {
            case GrammarLiteral literal:
                foreach (var next in literal.Bytes.Span)
                    from = Step(from, next, next);
                return from;
            case GrammarCharacters characters:
                return Characters(characters, from);
            case GrammarSequence sequence:
                foreach (var part in sequence.Parts)
                    from = Build(part, from, depth + 1);
                return from;
            case GrammarChoice choice:
                var end = Add();
                foreach (var alternative in choice.Alternatives)
                {
                    var begin = Add();
                    Skip(from, begin);
                    Skip(Build(alternative, begin, depth + 1), end);
                }
                return end;
            case GrammarRepetition repetition:
                return Repeat(repetition, from, depth);
            case GrammarReference reference:
                if (!_rules.TryGetValue(reference.Name, out var rule))
                    throw new GrammarException($"there is no rule '{reference.Name}'");
                var behind = Add();
                Count();
                _drafts[from].Calls.Add(new GrammarAutomaton.Call(rule.Start, behind));
                return behind;
            default:
                throw new GrammarException($"{expression.GetType().Name} is no part of a grammar");
        }
    }

    private int Characters(GrammarCharacters characters, int from)
    {
        var end = Add();
        foreach (var range in characters.Ranges)
        {
            foreach (var sequence in Utf8Sequences.Of(range))
            {
                var state = from;
                for (var i = 0; i < sequence.Length; i++)
                {
                    var next = i == sequence.Length - 1 ? end : Add();
                    Edge(state, sequence[i].First, sequence[i].Last, next);
                    state = next;
                }
            }
        }
        return end;
    }

    private int Repeat(GrammarRepetition repetition, int from, int depth)
    {
        if (repetition.Least < 0 || repetition.Most < repetition.Least)
            throw new GrammarException($"something is to stand {repetition.Least} to {repetition.Most} times");
        // What comes behind must not come back into the loop of something before it.
        var state = Add();
        Skip(from, state);
        state = Copies(repetition.Item, repetition.Least, state, null, depth);
        var end = Add();
        if (repetition.Most is not { } most)
        {
            var loop = Add();
            Skip(state, loop);
            Skip(Build(repetition.Item, loop, depth + 1), loop);
            Skip(loop, end);
            return end;
        }
        Skip(Copies(repetition.Item, most - repetition.Least, state, end, depth), end);
        return end;
    }

    // The same some times, before each of which one may go to an end, if it is there.
    private int Copies(GrammarExpression item, int times, int state, int? end, int depth)
    {
        var first = _drafts.Count;
        for (var i = 0; i < times; i++)
        {
            if (end is { } behind)
                Skip(state, behind);
            state = Build(item, state, depth + 1);
        }
        if (times > 1 && !MayBeEmpty(item))
            _repeats.Add(new GrammarAutomaton.Repeat(first, (_drafts.Count - first) / times, times));
        return state;
    }

    // Before anything walks through expressions by calling itself.
    private void CheckDepths()
    {
        var open = new Stack<(GrammarExpression Expression, int Depth)>(_definition.Rules.Values.Select(expression => (expression, 0)));
        while (open.TryPop(out var next))
        {
            if (next.Depth > MostDepth)
                throw new GrammarException($"expressions stand more than {MostDepth} deep in each other");
            IEnumerable<GrammarExpression> parts = next.Expression switch
            {
                GrammarSequence sequence => sequence.Parts,
                GrammarChoice choice => choice.Alternatives,
                GrammarRepetition repetition => [repetition.Item],
                _ => [],
            };
            foreach (var part in parts)
                open.Push((part, next.Depth + 1));
        }
    }

    // Rules that may say nothing.
    private void FindEmpty()
    {
        var open = _definition.Rules.ToList();
        while (open.RemoveAll(rule => MayBeEmpty(rule.Value) && _empty.Add(rule.Key)) > 0)
            _cancellationToken.ThrowIfCancellationRequested();
    }

    private bool MayBeEmpty(GrammarExpression expression) => expression switch
    {
        GrammarLiteral literal => literal.Bytes.IsEmpty,
        GrammarSequence sequence => sequence.Parts.All(MayBeEmpty),
        GrammarChoice choice => choice.Alternatives.Any(MayBeEmpty),
        GrammarRepetition repetition => repetition.Least == 0 || MayBeEmpty(repetition.Item),
        GrammarReference reference => _empty.Contains(reference.Name),
        _ => false,
    };

    private int Step(int from, byte first, byte last)
    {
        var to = Add();
        Edge(from, first, last, to);
        return to;
    }

    private void Edge(int from, byte first, byte last, int to)
    {
        Count();
        _drafts[from].Edges.Add(new GrammarAutomaton.ByteEdge(first, last, to));
    }

    private void Skip(int from, int to)
    {
        Count();
        _drafts[from].Skips.Add(to);
    }

    private int Add()
    {
        if (_drafts.Count >= MostStates)
            throw new GrammarException($"the grammar is too large: it has more than {MostStates} states");
        _cancellationToken.ThrowIfCancellationRequested();
        _drafts.Add(new Draft());
        return _drafts.Count - 1;
    }

    private void Count()
    {
        if (++_edges > MostEdges)
            throw new GrammarException($"the grammar is too large: it has more than {MostEdges} edges");
    }

    // With the edges of all states that steps over nothing lead to.
    private GrammarAutomaton.State Closed(int state, HashSet<int> ends)
    {
        _cancellationToken.ThrowIfCancellationRequested();
        var (edges, calls, isEnd) = (new List<GrammarAutomaton.ByteEdge>(), new List<GrammarAutomaton.Call>(), false);
        var seen = new HashSet<int> { state };
        var open = new Stack<int>([state]);
        while (open.TryPop(out var next))
        {
            var draft = _drafts[next];
            isEnd |= ends.Contains(next);
            edges.AddRange(draft.Edges);
            calls.AddRange(draft.Calls);
            for (var i = 0; i < draft.Edges.Count + draft.Calls.Count; i++)
                Count();
            foreach (var skip in draft.Skips)
                if (seen.Add(skip))
                    open.Push(skip);
        }
        return new GrammarAutomaton.State([.. edges.Distinct()], [.. calls.Distinct()], isEnd);
    }

    private sealed class Draft
    {
        public List<GrammarAutomaton.ByteEdge> Edges { get; } = [];

        public List<GrammarAutomaton.Call> Calls { get; } = [];

        public List<int> Skips { get; } = [];
    }
}
