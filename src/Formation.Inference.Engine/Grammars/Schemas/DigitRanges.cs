using System.Globalization;
using System.Numerics;
using static Formation.Inference.Engine.Grammars.GrammarExpression;

namespace Formation.Inference.Engine.Grammars.Schemas;

/// <summary>Numbers from 0 between bounds, as digits without needless zeros before them.</summary>
internal static class DigitRanges
{
    // Digits behind the point that a bound does not ask for.
    private const int FreeDigits = 18;

    private static readonly GrammarExpression Digit = Characters(new CharacterRange('0', '9'));
    private static readonly GrammarExpression Fraction = Optional(Sequence(Text("."), Repeat(Digit, 1, FreeDigits)));

    /// <summary>Integers from one to another, both included; the first is not above the second.</summary>
    public static GrammarExpression Between(BigInteger least, BigInteger most)
    {
        var alternatives = new List<GrammarExpression>();
        for (var length = Text(least).Length; length <= Text(most).Length; length++)
        {
            var (lowest, highest) = (length == 1 ? 0 : BigInteger.Pow(10, length - 1), BigInteger.Pow(10, length) - 1);
            alternatives.Add(Same(Text(BigInteger.Max(least, lowest)), Text(BigInteger.Min(most, highest))));
        }
        return Choice([.. alternatives]);
    }

    /// <summary>Numbers from one on, with a fraction or without.</summary>
    /// <param name="greatest">Of the digits before the point; above the number.</param>
    public static GrammarExpression From(ExactNumber least, bool isExcluded, BigInteger greatest)
    {
        var (whole, fraction) = Split(least);
        return Choice(Sequence(Between(whole, whole), FractionFrom(fraction, isExcluded)), Sequence(Between(whole + 1, greatest), Fraction));
    }

    /// <summary>Numbers up to one, with a fraction or without. It is above 0 where it is excluded itself.</summary>
    public static GrammarExpression UpTo(ExactNumber most, bool isExcluded)
    {
        var (whole, fraction) = Split(most);
        var alternatives = new List<GrammarExpression>();
        if (whole > 0)
            alternatives.Add(Sequence(Between(0, whole - 1), Fraction));
        if (fraction.Length > 0)
            alternatives.Add(Sequence(Between(whole, whole), Optional(Sequence(Text("."), DigitsUpTo(fraction, isExcluded)))));
        else if (!isExcluded)
            alternatives.Add(Sequence(Between(whole, whole), Optional(Sequence(Text("."), Repeat(Text("0"), 1, FreeDigits)))));
        return Choice([.. alternatives]);
    }

    private static (BigInteger Whole, string Fraction) Split(ExactNumber number)
    {
        var digits = Text(number.Digits).PadLeft(number.Scale + 1, '0');
        return (number.Floor, digits[(digits.Length - number.Scale)..]);
    }

    private static string Text(BigInteger number) => number.ToString(CultureInfo.InvariantCulture);

    private static GrammarExpression Text(string text) => GrammarExpression.Text(text);

    // Digits from one text of them to another of the same length.
    private static GrammarExpression Same(string least, string most)
    {
        if (least.Length == 0)
            return Empty;
        if (least.All(digit => digit == '0') && most.All(digit => digit == '9'))
            return Repeat(Digit, least.Length, least.Length);
        if (least[0] == most[0])
            return Sequence(Text(least[..1]), Same(least[1..], most[1..]));
        var rest = least.Length - 1;
        var alternatives = new List<GrammarExpression>
        {
            Sequence(Text(least[..1]), Same(least[1..], new string('9', rest))),
            Sequence(Text(most[..1]), Same(new string('0', rest), most[1..])),
        };
        if (most[0] - least[0] > 1)
            alternatives.Add(Sequence(Characters(new CharacterRange(least[0] + 1, most[0] - 1)), Repeat(Digit, rest, rest)));
        return Choice([.. alternatives]);
    }

    private static GrammarExpression FractionFrom(string least, bool isExcluded) => least.Length == 0 && !isExcluded
        ? Fraction
        : Sequence(Text("."), DigitsFrom(least, isExcluded));

    // Digits behind the point from others on.
    private static GrammarExpression DigitsFrom(string least, bool isExcluded)
    {
        if (least.Length == 0)
            return isExcluded ? Sequence(Repeat(Text("0"), 0, FreeDigits), Characters(new CharacterRange('1', '9')), Repeat(Digit, 0, FreeDigits)) : Repeat(Digit, 0, FreeDigits);
        var same = Sequence(Text(least[..1]), DigitsFrom(least[1..], isExcluded));
        return least[0] == '9' ? same : Choice(same, Sequence(Characters(new CharacterRange(least[0] + 1, '9')), Repeat(Digit, 0, FreeDigits)));
    }

    // One digit or more behind the point up to others, of which there is one at least and the last is not 0.
    private static GrammarExpression DigitsUpTo(string most, bool isExcluded)
    {
        var alternatives = new List<GrammarExpression>();
        if (most[0] > '0')
            alternatives.Add(Sequence(Characters(new CharacterRange('0', most[0] - 1)), Repeat(Digit, 0, FreeDigits)));
        if (most.Length > 1)
            alternatives.Add(Sequence(Text(most[..1]), Optional(DigitsUpTo(most[1..], isExcluded))));
        else if (!isExcluded)
            alternatives.Add(Sequence(Text(most), Repeat(Text("0"), 0, FreeDigits)));
        return Choice([.. alternatives]);
    }
}
