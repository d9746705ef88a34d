using System.Globalization;
using System.Numerics;

namespace Formation.Inference.Engine.Templates.Builtins;

/// <summary>Python's <c>format % values</c> with the conversions s, r, d, i, u, f, F, x, X, o, e, E, g, G, c and %.</summary>
internal sealed class PercentFormat
{
    readonly RenderContext _context;
    readonly MarkedText _format;
    readonly TemplateValue _values;
    readonly MarkedTextBuilder _builder;
    int _at;
    int _used;

    PercentFormat(RenderContext context, MarkedText format, TemplateValue values)
    {
        _context = context;
        _format = format;
        _values = values;
        _builder = new MarkedTextBuilder(context);
    }

    public static StringValue Apply(RenderContext context, MarkedText format, TemplateValue values) =>
        new PercentFormat(context, format, values).Run();

    StringValue Run()
    {
        _context.ChargeText(_format.Length);
        while (_at < _format.Length)
        {
            var percent = _format.Text.IndexOf('%', _at);
            var end = percent < 0 ? _format.Length : percent;
            _builder.Append(_format, _at, end - _at);
            _at = end;
            if (percent >= 0)
                AppendConversion();
        }
        if (HasUnusedValues())
            throw _context.Invalid("a format string has fewer places than values.");
        return _builder.BuildValue();
    }

    bool HasUnusedValues() => _values switch
    {
        ListValue { Kind: SequenceKind.Tuple } tuple => _used < tuple.Items.Count,
        ListValue or DictValue => false,
        _ => _used == 0,
    };

    void AppendConversion()
    {
        _context.Charge(1);
        _at++;
        var key = ReadKey();
        var flags = new HashSet<char>();
        while (Current is '-' or '+' or ' ' or '0' or '#')
            flags.Add(_format.Text[_at++]);
        var width = ReadSize();
        int? precision = null;
        if (Current == '.')
        {
            _at++;
            precision = ReadSize() ?? 0;
        }
        while (Current is 'l' or 'h' or 'L')
            _at++;
        if (_at >= _format.Length)
            throw _context.Invalid("a format string ends within a conversion.");
        var conversion = _format.Text[_at++];
        if (conversion == '%')
        {
            _builder.Append(_format, _at - 1, 1);
            return;
        }
        var value = key is null ? NextValue() : Lookup(key);
        AppendPadded(Convert(value, conversion, flags, precision), width, flags, isNumber: conversion is not ('s' or 'r' or 'c'));
    }

    char Current => _at < _format.Length ? _format.Text[_at] : '\0';

    MarkedText? ReadKey()
    {
        if (Current != '(')
            return null;
        var end = _format.Text.IndexOf(')', _at);
        if (end < 0)
            throw _context.Invalid("a key in a format string is not closed.");
        var key = _format.Slice(_at + 1, end - _at - 1);
        _at = end + 1;
        return key;
    }

    int? ReadSize()
    {
        if (Current == '*')
        {
            _at++;
            var given = Numbers.AsInteger(NextValue()) ?? throw _context.Invalid("'*' in a format string needs an integer.");
            return (int)BigInteger.Max(0, BigInteger.Min(given, int.MaxValue));
        }
        int? size = null;
        for (; char.IsAsciiDigit(Current); _at++)
            size = (int)Math.Min((size ?? 0) * 10L + (Current - '0'), int.MaxValue);
        return size;
    }

    TemplateValue NextValue()
    {
        if (_values is ListValue { Kind: SequenceKind.Tuple } tuple)
            return _used < tuple.Items.Count ? tuple.Items[_used++] : throw TooFewValues();
        return _used++ == 0 ? _values : throw TooFewValues();
    }

    TemplateException TooFewValues() => _context.Invalid("a format string has more places than values.");

    TemplateValue Lookup(MarkedText key) =>
        _values is DictValue dict && dict.Items.TryGetValue(new StringValue(key), out var value)
            ? value
            : throw _context.Invalid("a format string names a key that the values do not have.");

    MarkedText Convert(TemplateValue value, char conversion, HashSet<char> flags, int? precision)
    {
        switch (conversion)
        {
            case 's' or 'r':
                var text = conversion == 's' ? PythonText.Str(_context, value) : PythonText.Repr(_context, value);
                return precision is { } count && count < CodePoints.Count(text.Text)
                    ? text.Slice(0, CodePoints.OffsetOf(text.Text, count))
                    : text;
            case 'c':
                return value is StringValue character && CodePoints.Count(character.Text) == 1
                    ? character.Value
                    : throw _context.Invalid("%c needs a string of one character.");
            default:
                var number = ConvertNumber(value, conversion, flags.Contains('#'), precision);
                if (!number.StartsWith('-') && (flags.Contains('+') || flags.Contains(' ')))
                    number = (flags.Contains('+') ? "+" : " ") + number;
                return Numbers.IsData(value) ? MarkedText.Data(number) : MarkedText.Template(number);
        }
    }

    string ConvertNumber(TemplateValue value, char conversion, bool isAlternate, int? precision)
    {
        if (precision > 100)
            throw _context.Invalid("a precision in a format string is at most 100.");
        var real = Numbers.AsFloat(value) ?? throw _context.Invalid($"%{conversion} needs a number, not {value.TypeName}.");
        return conversion switch
        {
            'd' or 'i' or 'u' => IntegerText(value, real).PadZeros(precision),
            'x' or 'X' or 'o' => RadixText(value, conversion, isAlternate),
            'f' or 'F' => NumberFormat.Fixed(real, precision ?? 6),
            'e' or 'E' => NumberFormat.Exponent(real, precision ?? 6, conversion == 'E'),
            'g' or 'G' => NumberFormat.General(real, precision ?? 6, conversion == 'G'),
            _ => throw _context.Unsupported("format strings here do not have one of the conversions used."),
        };
    }

    string IntegerText(TemplateValue value, double real)
    {
        if (Numbers.AsInteger(value) is { } integer)
            return integer.ToString(CultureInfo.InvariantCulture);
        return double.IsFinite(real)
            ? new BigInteger(real).ToString(CultureInfo.InvariantCulture)
            : throw _context.Invalid("%d needs a finite number.");
    }

    string RadixText(TemplateValue value, char conversion, bool isAlternate)
    {
        var integer = Numbers.AsInteger(value) ?? throw _context.Invalid($"%{conversion} needs an integer, not {value.TypeName}.");
        var digits = NumberFormat.Radix(BigInteger.Abs(integer), conversion == 'o' ? 8 : 16);
        var text = (integer.Sign < 0 ? "-" : "") + (isAlternate ? $"0{conversion}" : "") + digits;
        return conversion == 'X' ? text.ToUpperInvariant() : text;
    }

    void AppendPadded(MarkedText text, int? width, HashSet<char> flags, bool isNumber)
    {
        long missing = (width ?? 0) - CodePoints.Count(text.Text);
        if (missing <= 0)
            _builder.Append(text);
        else if (flags.Contains('-'))
            _builder.Append(text).AppendSpaces(missing);
        else if (isNumber && flags.Contains('0'))
        {
            var sign = text.Text[0] is '-' or '+' or ' ' ? 1 : 0;
            _builder.Append(text, 0, sign).AppendRepeated(MarkedText.Template("0"), missing).Append(text, sign, text.Length - sign);
        }
        else
            _builder.AppendSpaces(missing).Append(text);
    }
}
