namespace Formation.Inference.Engine.Templates;

/// <summary>White space and line breaks as Python's <c>str</c> sees them.</summary>
internal static class PythonWhitespace
{
    /// <summary>Whether <c>str.isspace</c> holds; besides Unicode's white space these are the four ASCII separators.</summary>
    public static bool IsSpace(char c) => char.IsWhiteSpace(c) || c is >= '\x1c' and <= '\x1f';

    /// <summary>Whether <c>str.splitlines</c> breaks a line at this character.</summary>
    public static bool IsLineBreak(char c) =>
        c is '\n' or '\r' or '\v' or '\f' or (>= '\x1c' and <= '\x1e') or '\x85' or '\u2028' or '\u2029';
}
