using System.Globalization;
using System.Numerics;
using System.Text;

namespace Formation.Inference.Engine.Templates.Builtins;

/// <summary>Numbers as C's <c>printf</c> writes them.</summary>
internal static class NumberFormat
{
    public static string Fixed(double value, int precision) =>
        NotFinite(value) ?? value.ToString($"F{precision}", CultureInfo.InvariantCulture);

    public static string Exponent(double value, int precision, bool isUpper) =>
        NotFinite(value) ?? ShortenExponent(value.ToString($"{(isUpper ? 'E' : 'e')}{precision}", CultureInfo.InvariantCulture));

    /// <summary>The shorter of fixed and exponent notation with this many significant digits, without trailing zeros.</summary>
    public static string General(double value, int precision, bool isUpper)
    {
        if (NotFinite(value) is { } special)
            return special;
        precision = Math.Max(precision, 1);
        var scientific = Exponent(value, precision - 1, isUpper);
        var e = scientific.IndexOfAny(['e', 'E']);
        var exponent = int.Parse(scientific.AsSpan(e + 1), NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture);
        return exponent < -4 || exponent >= precision
            ? TrimZeros(scientific[..e]) + scientific[e..]
            : TrimZeros(Fixed(value, Math.Max(0, precision - 1 - exponent)));
    }

    public static string Radix(BigInteger value, int radix)
    {
        if (value.IsZero)
            return "0";
        var digits = new StringBuilder();
        for (; !value.IsZero; value /= radix)
            digits.Insert(0, "0123456789abcdef"[(int)(value % radix)]);
        return digits.ToString();
    }

    /// <summary>An integer with zeros in front up to a number of digits.</summary>
    public static string PadZeros(this string integer, int? digits)
    {
        var sign = integer.StartsWith('-') ? "-" : "";
        return sign + integer[sign.Length..].PadLeft(digits ?? 0, '0');
    }

    static string? NotFinite(double value) => double.IsFinite(value) ? null : FloatText.Repr(value);

    /// <summary>.NET writes three digits of an exponent where C writes two.</summary>
    static string ShortenExponent(string text)
    {
        var e = text.LastIndexOfAny(['e', 'E']);
        return text[e + 2] == '0' ? text[..(e + 2)] + text[(e + 3)..] : text;
    }

    static string TrimZeros(string text) => text.Contains('.') ? text.TrimEnd('0').TrimEnd('.') : text;
}
