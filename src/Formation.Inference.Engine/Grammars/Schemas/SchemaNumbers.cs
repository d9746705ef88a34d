using System.Globalization;
using System.Numerics;

namespace Formation.Inference.Engine.Grammars.Schemas;

/// <summary>
/// Numbers between bounds, exactly. With a bound or a multiple, they are written without an exponent; where a bound is missing, up to
/// <see cref="FreeDigits"/> digits before the point, which 64 bits can hold.
/// </summary>
internal static class SchemaNumbers
{
    private const int FreeDigits = 18;

    // The states of a divisor's automaton: its remainders, for each digit behind the point.
    private const int MostRemainders = 10_000;

    /// <returns>Null where there is no number.</returns>
    public static GrammarExpression? Of(IReadOnlyList<SchemaPlace> parts, bool isInteger, SchemaRules rules)
    {
        var bounds = new NumberBounds(parts);
        if (bounds.IsEmpty(isInteger))
            return null;
        if (bounds.IsAny && !isInteger)
            return GrammarExpression.Rule(JsonGrammar.NumberRule);
        if (bounds.IsAny)
            return rules.Shared("integer", () => Integers(bounds));
        var expressions = isInteger ? [Integers(bounds)] : Decimals(bounds);
        List<ExactNumber> multiples = [.. bounds.Multiples.Where(multiple => !isInteger || !new ExactNumber(1, 0).IsMultipleOf(multiple))];
        if (expressions is [var one] && multiples.Count == 0 && bounds.Excluded.Count == 0)
            return one;
        var automata = expressions.Select(CharacterAutomaton.Of).Concat(multiples.Select(Multiples));
        if (bounds.Excluded.Count > 0)
            automata = automata.Append(CharacterAutomaton.Of(GrammarExpression.Choice([.. bounds.Excluded.Select(Spellings)])).Complement());
        var automaton = automata.Aggregate((all, next) => all.Intersect(next)).Minimize();
        return automaton.IsEmpty ? null : rules.Add(automaton, ranges => new GrammarCharacters(ranges));
    }

    private static GrammarExpression Integers(NumberBounds bounds)
    {
        var (least, most) = (bounds.LeastInteger, bounds.MostInteger);
        var alternatives = new List<GrammarExpression>();
        if (!(least >= 0))
            alternatives.Add(GrammarExpression.Sequence(GrammarExpression.Text("-"), DigitRanges.Between(most is { } top && top < -1 ? -top : 1, -least ?? Free(-most))));
        if (!(most < 0))
            alternatives.Add(DigitRanges.Between(least is { } bottom && bottom > 0 ? bottom : 0, most ?? Free(least)));
        return GrammarExpression.Choice([.. alternatives]);
    }

    // The greatest magnitude where none is given.
    private static BigInteger Free(BigInteger? other) => BigInteger.Pow(10, Math.Max(FreeDigits, other is { } above && above > 0 ? above.ToString().Length + 1 : 0)) - 1;

    // One expression for each bound, all of which hold.
    private static List<GrammarExpression> Decimals(NumberBounds bounds)
    {
        var free = new ExactNumber(Free(BigInteger.Max(Magnitude(bounds.Least), Magnitude(bounds.Most))), 0);
        var any = DigitRanges.UpTo(free, false);
        var minus = GrammarExpression.Text("-");
        var expressions = new List<GrammarExpression>();
        if (bounds.Least is { } least)
        {
            expressions.Add(least.Digits.Sign < 0
                ? GrammarExpression.Choice(any, GrammarExpression.Sequence(minus, DigitRanges.UpTo(-least, bounds.IsLeastExcluded)))
                : DigitRanges.From(least, bounds.IsLeastExcluded, free.Digits));
        }
        if (bounds.Most is { } most)
        {
            var isBelow = most.Digits.Sign < 0 || (most.Digits.IsZero && bounds.IsMostExcluded);
            expressions.Add(isBelow
                ? GrammarExpression.Sequence(minus, DigitRanges.From(-most, bounds.IsMostExcluded, free.Digits))
                : GrammarExpression.Choice(DigitRanges.UpTo(most, bounds.IsMostExcluded), GrammarExpression.Sequence(minus, any)));
        }
        return expressions.Count > 0 ? expressions : [GrammarExpression.Sequence(GrammarExpression.Optional(minus), any)];
    }

    private static BigInteger Magnitude(ExactNumber? bound) => bound is { } number ? BigInteger.Abs(number.Floor) + 1 : 0;

    // All ways to write a number without an exponent.
    private static GrammarExpression Spellings(ExactNumber number)
    {
        var digits = BigInteger.Abs(number.Digits).ToString(CultureInfo.InvariantCulture).PadLeft(number.Scale + 1, '0');
        var (zero, point) = (GrammarExpression.Repeat(GrammarExpression.Text("0"), 0, null), digits.Length - number.Scale);
        return GrammarExpression.Sequence(
            number.Digits.Sign > 0 ? GrammarExpression.Empty : number.Digits.IsZero ? GrammarExpression.Optional(GrammarExpression.Text("-")) : GrammarExpression.Text("-"),
            GrammarExpression.Text(digits[..point]),
            number.Scale > 0 ? GrammarExpression.Sequence(GrammarExpression.Text($".{digits[point..]}"), zero) : GrammarExpression.Optional(GrammarExpression.Sequence(GrammarExpression.Text("."), zero)));
    }

    // Follows the remainder of the digits so far. Of the shape of a number it knows nothing.
    private static CharacterAutomaton Multiples(ExactNumber multiple)
    {
        var scale = multiple.Scale;
        if (multiple.Digits > MostRemainders || multiple.Digits * (scale + 2) > MostRemainders)
            throw new GrammarException("a 'multipleOf' has too many digits; use a rounder one");
        var remainders = (int)multiple.Digits;
        // First the sign or a digit; then the digits before the point; then those behind it, and the point itself before the first of them.
        var states = new List<CharacterAutomaton.State> { new([new(CharacterRange.Of('-'), 0), .. Digits(0, 0)], false) };
        for (var phase = 0; phase <= scale + 1; phase++)
        {
            for (var rest = 0; rest < remainders; rest++)
            {
                var behind = Math.Max(0, phase - 1);
                var isEnd = BigInteger.Remainder(rest * BigInteger.Pow(10, scale - behind), remainders).IsZero;
                states.Add(new CharacterAutomaton.State(
                    phase == 0 ? [new(CharacterRange.Of('.'), State(1, rest)), .. Digits(0, rest)]
                    : behind == scale ? [new(CharacterRange.Of('0'), State(phase, rest))]
                    : [.. Digits(phase + 1, rest)],
                    isEnd));
            }
        }
        return CharacterAutomaton.Of(states).Minimize();

        int State(int phase, int rest) => 1 + phase * remainders + rest;

        IEnumerable<CharacterAutomaton.Edge> Digits(int phase, int rest) =>
            Enumerable.Range(0, 10).Select(digit => new CharacterAutomaton.Edge(CharacterRange.Of('0' + digit), State(phase, (rest * 10 + digit) % remainders)));
    }
}
