using System.Globalization;
using System.Numerics;
using System.Text.Json;

namespace Formation.Inference.Engine.Grammars;

/// <summary>A decimal number without rounding: <c>Digits / 10^Scale</c>.</summary>
/// <param name="Digits">With the sign; not divisible by ten unless the scale is 0.</param>
/// <param name="Scale">Digits behind the point; from 0.</param>
internal readonly record struct ExactNumber(BigInteger Digits, int Scale) : IComparable<ExactNumber>
{
    /// <summary>Digits before the point, or behind it, at most.</summary>
    public const int MostDigits = 40;

    /// <summary>Reads a number as JSON writes it.</summary>
    /// <returns>Whether it has no more than <see cref="MostDigits"/> digits before the point and behind it.</returns>
    public static bool TryRead(JsonElement number, out ExactNumber value)
    {
        value = default;
        var text = number.GetRawText();
        if (text.Length > 4 * MostDigits)
            return false;
        var mark = text.AsSpan().IndexOfAny('e', 'E');
        var exponent = 0;
        if (mark >= 0 && (!int.TryParse(text.AsSpan(mark + 1), NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out exponent) || Math.Abs(exponent) > 4 * MostDigits))
            return false;
        var digits = mark < 0 ? text : text[..mark];
        var point = digits.IndexOf('.', StringComparison.Ordinal);
        var scale = (point < 0 ? 0 : digits.Length - point - 1) - exponent;
        var whole = BigInteger.Parse(digits.Replace(".", "", StringComparison.Ordinal), CultureInfo.InvariantCulture);
        for (; scale > 0 && whole % 10 == 0 && !whole.IsZero; scale--)
            whole /= 10;
        value = whole.IsZero ? default : scale < 0 ? new ExactNumber(whole * BigInteger.Pow(10, -scale), 0) : new ExactNumber(whole, scale);
        return value.Scale <= MostDigits && BigInteger.Abs(value.Floor) < BigInteger.Pow(10, MostDigits);
    }

    /// <summary>The greatest integer that is not above it.</summary>
    public BigInteger Floor => BigInteger.DivRem(Digits, BigInteger.Pow(10, Scale), out var rest) - (rest < 0 ? 1 : 0);

    /// <summary>The least integer that is not below it.</summary>
    public BigInteger Ceiling => -(-this).Floor;

    /// <summary>Whether it is an integer.</summary>
    public bool IsInteger => Scale == 0;

    public static ExactNumber operator -(ExactNumber number) => number with { Digits = -number.Digits };

    /// <summary>Whether it is a multiple of another one, which is not 0.</summary>
    public bool IsMultipleOf(ExactNumber other) =>
        (Digits * BigInteger.Pow(10, other.Scale) % (other.Digits * BigInteger.Pow(10, Scale))).IsZero;

    public int CompareTo(ExactNumber other) => (Digits * BigInteger.Pow(10, other.Scale)).CompareTo(other.Digits * BigInteger.Pow(10, Scale));

    public static bool operator <(ExactNumber one, ExactNumber other) => one.CompareTo(other) < 0;

    public static bool operator >(ExactNumber one, ExactNumber other) => one.CompareTo(other) > 0;

    public static bool operator <=(ExactNumber one, ExactNumber other) => one.CompareTo(other) <= 0;

    public static bool operator >=(ExactNumber one, ExactNumber other) => one.CompareTo(other) >= 0;
}
