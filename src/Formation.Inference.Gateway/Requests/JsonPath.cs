using System.Globalization;

namespace Formation.Inference.Gateway.Requests;

/// <summary>Paths in a body: the serializer's (<c>$.messages[2].role</c>) and those of the API (<c>messages[2].role</c>).</summary>
internal static class JsonPath
{
    const int MaxNameLength = 64;

    /// <summary>The steps of a serializer's path: a string for a property, an int for an element.</summary>
    internal static IEnumerable<object> Parse(string path)
    {
        int at = path.StartsWith('$') ? 1 : 0;
        while (at < path.Length)
        {
            if (path[at] == '.')
            {
                int end = path.AsSpan(at + 1).IndexOfAny('.', '[') is >= 0 and var length ? at + 1 + length : path.Length;
                yield return path[(at + 1)..end];
                at = end;
            }
            else if (path[at] == '[' && path.IndexOf(']', at) is > 0 and var close)
            {
                string inside = path[(at + 1)..close];
                bool isIndex = int.TryParse(inside, NumberStyles.None, CultureInfo.InvariantCulture, out int index);
                yield return isIndex ? index : inside.Trim('\'');
                at = close + 1;
            }
            else
                yield break;
        }
    }

    /// <summary>The path one step further; a long name is cut, because a client chose it.</summary>
    internal static string Append(string path, object step) => step switch
    {
        int index => $"{path}[{index.ToString(CultureInfo.InvariantCulture)}]",
        string name => path.Length == 0 ? Shorten(name) : $"{path}.{Shorten(name)}",
        _ => throw new ArgumentException("A step is an int or a string.", nameof(step)),
    };

    static string Shorten(string name) => name.Length <= MaxNameLength ? name : name[..MaxNameLength] + "…";
}
