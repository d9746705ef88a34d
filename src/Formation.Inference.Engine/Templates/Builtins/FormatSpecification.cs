namespace Formation.Inference.Engine.Templates.Builtins;

/// <summary>The part of a <c>str.format</c> field behind the colon: <c>[[fill]align][sign][0][width][,][.precision][type]</c>.</summary>
internal sealed record FormatSpecification(char Fill, char Alignment, char Sign, int Width, bool HasThousands, int? Precision, char Type)
{
    public static FormatSpecification Parse(RenderContext context, string text)
    {
        var at = 0;
        var (fill, alignment) = (' ', '\0');
        if (text.Length > 1 && IsAlignment(text[1]))
            (fill, alignment, at) = (text[0], text[1], 2);
        else if (text.Length > 0 && IsAlignment(text[0]))
            (alignment, at) = (text[0], 1);
        var sign = Take(c => c is '+' or '-' or ' ');
        if (Take(c => c == '0') != '\0' && alignment == '\0')
            (fill, alignment) = ('0', '=');
        var width = ReadNumber() ?? 0;
        var hasThousands = Take(c => c is ',' or '_') != '\0';
        int? precision = null;
        if (Take(c => c == '.') != '\0')
            precision = ReadNumber() ?? throw context.Invalid("a format string has a '.' without a precision.");
        var type = Take(c => c is 's' or 'd' or 'x' or 'X' or 'o' or 'b' or 'f' or 'F' or 'e' or 'E' or 'g' or 'G' or '%');
        if (at < text.Length)
            throw context.Unsupported("a format string has a format that is not known here.");
        if (precision > 100 && type is not ('\0' or 's'))
            throw context.Invalid("a precision in a format string is at most 100.");
        return new FormatSpecification(fill, alignment, sign, width, hasThousands, precision, type);

        char Take(Func<char, bool> isWanted) => at < text.Length && isWanted(text[at]) ? text[at++] : '\0';

        int? ReadNumber()
        {
            int? number = null;
            for (; at < text.Length && char.IsAsciiDigit(text[at]); at++)
                number = (int)Math.Min((number ?? 0) * 10L + (text[at] - '0'), int.MaxValue);
            return number;
        }
    }

    static bool IsAlignment(char c) => c is '<' or '>' or '^' or '=';
}
