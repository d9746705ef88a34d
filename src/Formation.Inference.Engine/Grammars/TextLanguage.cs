namespace Formation.Inference.Engine.Grammars;

/// <summary>What a set of texts has to be, or must not be, beside its expression.</summary>
/// <param name="Expression">Without references to rules.</param>
/// <param name="IsForbidden">Whether its texts are not in the set.</param>
internal readonly record struct TextCondition(GrammarExpression Expression, bool IsForbidden);

/// <summary>A set of texts: those of an expression that meet some conditions.</summary>
internal sealed class TextLanguage(GrammarExpression expression, IReadOnlyList<TextCondition> conditions)
{
    private CharacterAutomaton? _automaton;

    public TextLanguage(GrammarExpression expression)
        : this(expression, [])
    {
    }

    /// <summary>All texts that are not in it.</summary>
    /// <exception cref="GrammarException">It is too complicated.</exception>
    public TextLanguage Complement() =>
        new(GrammarExpression.Repeat(GrammarExpression.Characters(CharacterRange.All), 0, null), [new TextCondition(GrammarExpression.Empty, IsForbidden: true)]) { _automaton = Automaton.Complement().Minimize() };

    /// <summary>An expression that says it all, or null where there are conditions.</summary>
    public GrammarExpression? Expression => conditions.Count == 0 ? expression : null;

    /// <summary>How many characters its texts have at least and at most.</summary>
    public (long Least, long? Most) Lengths { get; } = LengthsOf(expression);

    /// <summary>The set.</summary>
    /// <exception cref="GrammarException">It is too complicated.</exception>
    public CharacterAutomaton Automaton => _automaton ??= conditions.Aggregate(CharacterAutomaton.Of(expression), (all, condition) =>
    {
        var next = CharacterAutomaton.Of(condition.Expression);
        return all.Intersect(condition.IsForbidden ? next.Complement() : next).Minimize();
    });

    private static (long Least, long? Most) LengthsOf(GrammarExpression expression)
    {
        switch (expression)
        {
            case GrammarLiteral literal:
                var length = System.Text.Encoding.UTF8.GetString(literal.Bytes.Span).EnumerateRunes().Count();
                return (length, length);
            case GrammarCharacters:
                return (1, 1);
            case GrammarSequence sequence:
                return sequence.Parts.Select(LengthsOf).Aggregate(((long)0, (long?)0), (all, part) => (Bounded(all.Item1 + part.Least), Known(all.Item2 + part.Most)));
            case GrammarChoice choice:
                var lengths = choice.Alternatives.Select(LengthsOf).ToList();
                return (lengths.Min(one => one.Least), lengths.Any(one => one.Most is null) ? null : lengths.Max(one => one.Most));
            case GrammarRepetition repetition:
                var item = LengthsOf(repetition.Item);
                return (Bounded(item.Least * repetition.Least), item.Most == 0 ? 0 : Known(item.Most * repetition.Most));
            default:
                throw new GrammarException($"{expression.GetType().Name} is no part of a set of texts");
        }

        // Longer than any text; repetitions in each other would come to more than a number holds.
        static long Bounded(long length) => Math.Min(length, int.MaxValue);

        static long? Known(long? length) => length > int.MaxValue ? null : length;
    }
}
