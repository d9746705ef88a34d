using System.Text;
using System.Text.RegularExpressions;

namespace Formation.Inference.Engine.Tests.Grammars;

/// <summary>Whether a text has a match of a regular expression of ECMA-262, told by .NET's, whose classes and end of a text are wider.</summary>
internal static class EcmaPattern
{
    private const string Space = @"\t-\r \u00A0\u1680\u2000-\u200A\u2028\u2029\u202F\u205F\u3000\uFEFF";

    private static readonly Dictionary<string, Regex> Known = new(StringComparer.Ordinal);
    private static readonly Lock Access = new();

    public static bool IsMatch(string pattern, string text)
    {
        lock (Access)
        {
            if (!Known.TryGetValue(pattern, out var regex))
                Known[pattern] = regex = new Regex(Translate(FirstPlane(pattern)), RegexOptions.CultureInvariant);
            return regex.IsMatch(FirstPlane(text));
        }
    }

    // .NET counts a character beyond the first plane twice; another one from it stands for it, in the same order among its neighbours.
    private static string FirstPlane(string text)
    {
        var result = new StringBuilder();
        foreach (var rune in text.EnumerateRunes())
            result.Append(rune.IsBmp ? (char)rune.Value : (char)(0xE000 + (rune.Value & 0xFFF)));
        return result.ToString();
    }

    private static string Translate(string pattern)
    {
        var (result, isClass) = (new StringBuilder(), false);
        for (var i = 0; i < pattern.Length; i++)
        {
            var next = pattern[i];
            if (next == '\\')
            {
                next = pattern[++i];
                result.Append(next switch
                {
                    'd' => isClass ? "0-9" : "[0-9]",
                    'D' => "[^0-9]",
                    'w' => isClass ? "A-Za-z0-9_" : "[A-Za-z0-9_]",
                    'W' => "[^A-Za-z0-9_]",
                    's' => isClass ? Space : $"[{Space}]",
                    'S' => $"[^{Space}]",
                    _ => $"\\{next}",
                });
                continue;
            }
            var wasClass = isClass;
            isClass = next == '[' || (isClass && next != ']');
            result.Append((wasClass, next) switch
            {
                (false, '$') => "\\z",
                (false, '.') => @"[^\n\r\u2028\u2029]",
                // In .NET it could begin what is taken away from the class.
                (true, '[') => "\\[",
                _ => next.ToString(),
            });
        }
        return result.ToString();
    }
}
