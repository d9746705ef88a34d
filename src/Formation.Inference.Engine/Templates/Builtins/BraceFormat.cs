using System.Globalization;
using System.Numerics;

namespace Formation.Inference.Engine.Templates.Builtins;

/// <summary>
/// Python's <c>str.format</c> without attribute look-ups: <c>{}</c>, <c>{0}</c>, <c>{name}</c>, each with <c>!s</c> or <c>!r</c> and a
/// format of fill, alignment, sign, zero padding, width, <c>,</c>, precision and one of s, d, x, X, o, b, f, e, g, %.
/// </summary>
internal sealed class BraceFormat
{
    readonly RenderContext _context;
    readonly MarkedText _format;
    readonly Arguments _arguments;
    readonly MarkedTextBuilder _builder;
    int _next;

    BraceFormat(RenderContext context, MarkedText format, Arguments arguments)
    {
        _context = context;
        _format = format;
        _arguments = arguments;
        _builder = new MarkedTextBuilder(context);
    }

    public static TemplateValue Apply(RenderContext context, MarkedText format, Arguments arguments) =>
        new BraceFormat(context, format, arguments).Run();

    StringValue Run()
    {
        var text = _format.Text;
        for (var at = 0; at < text.Length;)
        {
            var brace = text.AsSpan(at).IndexOfAny('{', '}');
            var end = brace < 0 ? text.Length : at + brace;
            _builder.Append(_format, at, end - at);
            at = end;
            if (at == text.Length)
                break;
            _context.Charge(1);
            if (at + 1 < text.Length && text[at + 1] == text[at])
            {
                _builder.Append(_format, at, 1);
                at += 2;
                continue;
            }
            var close = text.IndexOf('}', at);
            if (text[at] == '}' || close < 0)
                throw _context.Invalid("a brace in a format string has no partner.");
            AppendField(text[(at + 1)..close]);
            at = close + 1;
        }
        return _builder.BuildValue();
    }

    void AppendField(string field)
    {
        if (field.Contains('{'))
            throw _context.Unsupported("format strings here have no nested fields.");
        var colon = field.IndexOf(':');
        var specification = colon < 0 ? "" : field[(colon + 1)..];
        var name = colon < 0 ? field : field[..colon];
        var bang = name.IndexOf('!');
        var conversion = bang < 0 ? "" : name[(bang + 1)..];
        var value = Lookup(bang < 0 ? name : name[..bang]);
        value = conversion switch
        {
            "" => value,
            "s" => new StringValue(PythonText.Str(_context, value)),
            "r" => new StringValue(PythonText.Repr(_context, value)),
            _ => throw _context.Unsupported("format strings here have the conversions !s and !r."),
        };
        AppendFormatted(value, specification);
    }

    TemplateValue Lookup(string name)
    {
        if (name.Contains('.') || name.Contains('['))
            throw _context.Unsupported("format strings here do not look into values.");
        if (name.Length == 0 || char.IsAsciiDigit(name[0]))
        {
            var index = name.Length == 0
                ? _next++
                : int.TryParse(name, NumberStyles.None, CultureInfo.InvariantCulture, out var given) ? given
                : int.MaxValue;
            return index < _arguments.Positional.Count
                ? _arguments.Positional[index]
                : throw _context.Invalid("a format string has more places than values.");
        }
        foreach (var (key, value) in _arguments.Named)
        {
            if (key == name)
                return value;
        }
        throw _context.Invalid("a format string names a value that is not given.");
    }

    void AppendFormatted(TemplateValue value, string specification)
    {
        var parsed = FormatSpecification.Parse(_context, specification);
        var isNumber = Numbers.IsNumber(value) && (value is not BooleanValue || parsed.Type is not ('\0' or 's'));
        var text = isNumber ? NumberText(value, parsed) : PlainText(value, parsed);
        var missing = (long)parsed.Width - CodePoints.Count(text.Text);
        if (missing <= 0)
        {
            _builder.Append(text);
            return;
        }
        var alignment = parsed.Alignment != '\0' ? parsed.Alignment : isNumber ? '>' : '<';
        var sign = alignment == '=' && text.Text[0] is '-' or '+' or ' ' ? 1 : 0;
        var before = alignment switch { '<' => 0, '^' => missing / 2, _ => missing };
        var fill = _format.IsTemplate ? MarkedText.Template(parsed.Fill.ToString()) : MarkedText.Data(parsed.Fill.ToString());
        _builder.Append(text, 0, sign).AppendRepeated(fill, before)
            .Append(text, sign, text.Length - sign).AppendRepeated(fill, missing - before);
    }

    MarkedText PlainText(TemplateValue value, FormatSpecification parsed)
    {
        if (parsed.Type is not ('\0' or 's') || parsed.Sign != '\0' || parsed.HasThousands || parsed.Alignment == '=')
            throw _context.Invalid($"a format string formats {value.TypeName} as a number.");
        var text = PythonText.Str(_context, value);
        return parsed.Precision is { } count && count < CodePoints.Count(text.Text)
            ? text.Slice(0, CodePoints.OffsetOf(text.Text, count))
            : text;
    }

    MarkedText NumberText(TemplateValue value, FormatSpecification parsed)
    {
        var real = Numbers.AsFloat(value)!.Value;
        var integer = Numbers.AsInteger(value);
        var text = parsed.Type switch
        {
            '\0' when integer is not null => integer.Value.ToString(CultureInfo.InvariantCulture),
            '\0' => parsed.Precision is { } digits ? NumberFormat.General(real, digits, isUpper: false) : FloatText.Repr(real),
            'd' => Whole().ToString(CultureInfo.InvariantCulture),
            'x' => Signed(16),
            'X' => Signed(16).ToUpperInvariant(),
            'o' => Signed(8),
            'b' => Signed(2),
            'f' or 'F' => NumberFormat.Fixed(real, parsed.Precision ?? 6),
            'e' or 'E' => NumberFormat.Exponent(real, parsed.Precision ?? 6, parsed.Type == 'E'),
            'g' or 'G' => NumberFormat.General(real, parsed.Precision ?? 6, parsed.Type == 'G'),
            '%' => NumberFormat.Fixed(real * 100, parsed.Precision ?? 6) + "%",
            _ => throw _context.Invalid("a format string formats a number as text."),
        };
        if (parsed.HasThousands)
            text = GroupThousands(text);
        if (parsed.Sign is '+' or ' ' && !text.StartsWith('-'))
            text = parsed.Sign + text;
        return Numbers.IsData(value) ? MarkedText.Data(text) : MarkedText.Template(text);

        BigInteger Whole() => integer ?? throw _context.Invalid("a format string formats a float as an integer.");
        string Signed(int radix) => (Whole().Sign < 0 ? "-" : "") + NumberFormat.Radix(BigInteger.Abs(Whole()), radix);
    }

    static string GroupThousands(string number)
    {
        var sign = number.StartsWith('-') ? 1 : 0;
        var end = number.IndexOf('.') is var point && point >= 0 ? point : number.Length;
        for (var at = end - 3; at > sign; at -= 3)
            number = number.Insert(at, ",");
        return number;
    }
}
