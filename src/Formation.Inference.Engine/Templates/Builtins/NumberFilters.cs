using System.Globalization;
using System.Numerics;

namespace Formation.Inference.Engine.Templates.Builtins;

/// <summary>Filters on numbers, and those that read numbers from text.</summary>
internal static class NumberFilters
{
    /// <summary>Decimals beyond which rounding a double changes nothing.</summary>
    const int MaxDecimals = 308;

    public static IEnumerable<(string Name, Filter Filter)> All { get; } =
    [
        ("int", Int),
        ("float", Float),
        ("round", Round),
        ("abs", Abs),
    ];

    static TemplateValue Int(RenderContext context, TemplateValue input, Arguments arguments)
    {
        var bound = arguments.Bind("default", "base");
        var fallback = bound[0] ?? new IntegerValue(0);
        switch (input)
        {
            case BooleanValue or IntegerValue:
                return new IntegerValue(Numbers.AsInteger(input)!.Value, Numbers.IsData(input));
            case FloatValue number:
                return Truncate(number.Value, number.IsData) ?? fallback;
            case StringValue text:
                return ParseInteger(context, text.Text.Trim(), bound.Integer(1, 10)) is { } value
                    ? new IntegerValue(value, !text.Value.IsTemplate)
                    : ParseFloat(text.Text) is { } real && Truncate(real, !text.Value.IsTemplate) is { } whole ? whole : fallback;
            case UndefinedValue undefined:
                throw context.Undefined(undefined);
            default:
                return fallback;
        }
    }

    static TemplateValue Float(RenderContext context, TemplateValue input, Arguments arguments)
    {
        var fallback = arguments.Bind("default")[0] ?? new FloatValue(0);
        if (Numbers.AsFloat(input) is { } number)
            return new FloatValue(number, Numbers.IsData(input));
        if (input is UndefinedValue undefined)
            throw context.Undefined(undefined);
        return input is StringValue text && ParseFloat(text.Text) is { } value ? new FloatValue(value, !text.Value.IsTemplate) : fallback;
    }

    /// <summary>
    /// Rounds to a number of decimals. <c>common</c> rounds the exact value and ties to even, as Python does; an integer stays one.
    /// </summary>
    static TemplateValue Round(RenderContext context, TemplateValue input, Arguments arguments)
    {
        var bound = arguments.Bind("precision", "method");
        var number = Numbers.AsFloat(input) ?? throw context.Invalid($"round needs a number, not {input.TypeName}.");
        var precision = Math.Clamp(bound.Integer(0, 0), -MaxDecimals, MaxDecimals);
        var method = bound[1] is null ? "common" : bound.Text(1).Text;
        var isData = Numbers.IsData(input);
        var scale = Math.Pow(10, precision);
        return method switch
        {
            "common" when Numbers.AsInteger(input) is { } integer => new IntegerValue(
                precision < 0 ? RoundInteger(integer, -precision) : integer, isData),
            "common" => new FloatValue(RoundExactly(number, precision), isData),
            "ceil" => new FloatValue(Math.Ceiling(number * scale) / scale, isData),
            "floor" => new FloatValue(Math.Floor(number * scale) / scale, isData),
            _ => throw context.Invalid("round knows the methods common, ceil and floor."),
        };
    }

    static double RoundExactly(double value, int precision)
    {
        if (!double.IsFinite(value))
            return value;
        if (precision < 0)
            return Math.Round(value / Math.Pow(10, -precision), MidpointRounding.ToEven) * Math.Pow(10, -precision);
        var scale = Math.Pow(10, precision);
        var scaled = value * scale;
        // Only a product without rounding error can be a tie; .NET's text is exact for everything else.
        return Math.FusedMultiplyAdd(value, scale, -scaled) == 0
            ? Math.Round(scaled, MidpointRounding.ToEven) / scale
            : double.Parse(value.ToString($"F{precision}", CultureInfo.InvariantCulture), CultureInfo.InvariantCulture);
    }

    static BigInteger RoundInteger(BigInteger value, int zeros)
    {
        var unit = BigInteger.Pow(10, zeros);
        var quotient = BigInteger.DivRem(BigInteger.Abs(value), unit, out var remainder);
        var twice = remainder * 2;
        if (twice > unit || (twice == unit && !quotient.IsEven))
            quotient++;
        return quotient * unit * value.Sign;
    }

    static TemplateValue Abs(RenderContext context, TemplateValue input, Arguments arguments)
    {
        arguments.BindNone();
        return input switch
        {
            FloatValue number => new FloatValue(Math.Abs(number.Value), number.IsData),
            _ when Numbers.AsInteger(input) is { } integer => new IntegerValue(BigInteger.Abs(integer), Numbers.IsData(input)),
            _ => throw context.Invalid($"abs needs a number, not {input.TypeName}."),
        };
    }

    static IntegerValue? Truncate(double value, bool isData) =>
        double.IsFinite(value) ? new IntegerValue(new BigInteger(value), isData) : null;

    static BigInteger? ParseInteger(RenderContext context, string text, int radix)
    {
        // A digit of base 36 holds more than five bits, so a longer text never fits the limit on integers.
        if (radix is < 2 or > 36 || text.Length > context.Limits.MaxIntegerBits / 3)
            return null;
        var digits = text.StartsWith('-') || text.StartsWith('+') ? text[1..] : text;
        if (digits.Length > 2 && digits[0] == '0' && Prefix(radix) is { } prefix && char.ToLowerInvariant(digits[1]) == prefix)
            digits = digits[2..];
        if (digits.Length == 0 || digits.StartsWith('_') || digits.EndsWith('_') || digits.Contains("__"))
            return null;
        var value = BigInteger.Zero;
        foreach (var c in digits)
        {
            if (c == '_')
                continue;
            var digit = char.IsAsciiDigit(c) ? c - '0' : char.IsAsciiLetter(c) ? char.ToLowerInvariant(c) - 'a' + 10 : int.MaxValue;
            if (digit >= radix)
                return null;
            value = value * radix + digit;
        }
        return Operators.CheckSize(context, text.StartsWith('-') ? -value : value);
    }

    static char? Prefix(int radix) => radix switch { 16 => 'x', 8 => 'o', 2 => 'b', _ => null };

    static double? ParseFloat(string text)
    {
        text = text.Trim().Replace("_", "");
        const NumberStyles styles = NumberStyles.AllowLeadingSign | NumberStyles.AllowDecimalPoint | NumberStyles.AllowExponent;
        if (double.TryParse(text, styles, CultureInfo.InvariantCulture, out var value))
            return value;
        return text.ToLowerInvariant() switch
        {
            "inf" or "+inf" or "infinity" or "+infinity" => double.PositiveInfinity,
            "-inf" or "-infinity" => double.NegativeInfinity,
            "nan" or "+nan" or "-nan" => double.NaN,
            _ => null,
        };
    }
}
