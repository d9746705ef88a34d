using System.Globalization;
using System.Text;

namespace Formation.Inference.Engine.Templates.Builtins;

/// <summary>C's <c>strftime</c> in the C locale, as Python's <c>datetime.strftime</c> on a time without a zone uses it.</summary>
internal static class StrftimeFormat
{
    static readonly string[] Days = ["Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday"];

    static readonly string[] Months =
        ["January", "February", "March", "April", "May", "June", "July", "August", "September", "October", "November", "December"];

    public static string Format(RenderContext context, DateTimeOffset time, string format)
    {
        var text = new StringBuilder();
        for (var i = 0; i < format.Length; i++)
        {
            if (format[i] != '%' || i + 1 == format.Length)
            {
                text.Append(format[i]);
                continue;
            }
            // GNU's flags: no padding, padding with spaces or zeros, upper case.
            var flag = format[i + 1] is '-' or '_' or '0' or '^' && i + 2 < format.Length ? format[++i] : '\0';
            var value = Directive(time, format[++i]) ?? throw context.Invalid("strftime_now does not know a directive of its format.");
            text.Append(Apply(flag, value));
            if (text.Length > context.Limits.MaxStringLength)
                throw context.LimitExceeded($"a string exceeds the limit of {context.Limits.MaxStringLength} characters.");
        }
        return text.ToString();
    }

    static string Apply(char flag, string value) => flag switch
    {
        '-' => value.TrimStart('0', ' ') is { Length: > 0 } trimmed ? trimmed : value[^1..],
        '_' => value.TrimStart('0').PadLeft(value.Length),
        '0' => value.Replace(' ', '0'),
        '^' => value.ToUpperInvariant(),
        _ => value,
    };

    static string? Directive(DateTimeOffset time, char directive) => directive switch
    {
        'Y' => time.Year.ToString("0000", CultureInfo.InvariantCulture),
        'C' => Two(time.Year / 100),
        'y' => Two(time.Year % 100),
        'm' => Two(time.Month),
        'B' => Months[time.Month - 1],
        'b' or 'h' => Months[time.Month - 1][..3],
        'd' => Two(time.Day),
        'e' => time.Day.ToString(CultureInfo.InvariantCulture).PadLeft(2),
        'j' => time.DayOfYear.ToString("000", CultureInfo.InvariantCulture),
        'A' => Days[(int)time.DayOfWeek],
        'a' => Days[(int)time.DayOfWeek][..3],
        'w' => ((int)time.DayOfWeek).ToString(CultureInfo.InvariantCulture),
        'u' => (((int)time.DayOfWeek + 6) % 7 + 1).ToString(CultureInfo.InvariantCulture),
        'U' => Two((time.DayOfYear + 6 - (int)time.DayOfWeek) / 7),
        'W' => Two((time.DayOfYear + 6 - ((int)time.DayOfWeek + 6) % 7) / 7),
        'V' => Two(ISOWeek.GetWeekOfYear(time.DateTime)),
        'G' => ISOWeek.GetYear(time.DateTime).ToString("0000", CultureInfo.InvariantCulture),
        'H' => Two(time.Hour),
        'k' => time.Hour.ToString(CultureInfo.InvariantCulture).PadLeft(2),
        'I' => Two((time.Hour + 11) % 12 + 1),
        'l' => ((time.Hour + 11) % 12 + 1).ToString(CultureInfo.InvariantCulture).PadLeft(2),
        'M' => Two(time.Minute),
        'S' => Two(time.Second),
        'f' => (time.Ticks % TimeSpan.TicksPerSecond / 10).ToString("000000", CultureInfo.InvariantCulture),
        'p' => time.Hour < 12 ? "AM" : "PM",
        'P' => time.Hour < 12 ? "am" : "pm",
        's' => time.ToUnixTimeSeconds().ToString(CultureInfo.InvariantCulture),
        'F' => $"{Directive(time, 'Y')}-{Two(time.Month)}-{Two(time.Day)}",
        'T' or 'X' => $"{Two(time.Hour)}:{Two(time.Minute)}:{Two(time.Second)}",
        'R' => $"{Two(time.Hour)}:{Two(time.Minute)}",
        'r' => $"{Directive(time, 'I')}:{Two(time.Minute)}:{Two(time.Second)} {Directive(time, 'p')}",
        'D' or 'x' => $"{Two(time.Month)}/{Two(time.Day)}/{Two(time.Year % 100)}",
        'c' => $"{Directive(time, 'a')} {Directive(time, 'b')} {Directive(time, 'e')} {Directive(time, 'T')} {Directive(time, 'Y')}",
        'z' or 'Z' => "",
        'n' => "\n",
        't' => "\t",
        '%' => "%",
        _ => null,
    };

    static string Two(int value) => value.ToString("00", CultureInfo.InvariantCulture);
}
