using System.Globalization;

namespace Formation.Inference.Kernels.Machine;

/// <summary>
/// The text files in which Linux describes itself, under a root that tests can replace. What can't be read counts as empty.
/// </summary>
internal sealed class SystemFiles(string root)
{
    internal static SystemFiles OfThisMachine { get; } = new("/");

    internal string[] Lines(string path)
    {
        try
        {
            return File.ReadAllLines(Path.Combine(root, path.TrimStart('/')));
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            return [];
        }
    }

    internal bool DirectoryExists(string path) => Directory.Exists(Path.Combine(root, path.TrimStart('/')));

    /// <summary>The number that a file consists of, or null where it holds something else ("max") or nothing.</summary>
    internal long? Number(string path) => Lines(path) is [var line, ..] ? Parse(line) : null;

    /// <summary>The number behind a name in a file of lines such as "MemTotal: 16 kB" or "inactive_file 4096".</summary>
    internal long? Named(string path, string name)
    {
        foreach (var line in Lines(path))
        {
            var parts = line.Split([' ', ':', '\t'], StringSplitOptions.RemoveEmptyEntries);
            if (parts.Length >= 2 && parts[0] == name)
                return Parse(parts[1]);
        }
        return null;
    }

    internal static long? Parse(ReadOnlySpan<char> text) =>
        long.TryParse(text.Trim(), NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var value) ? value : null;
}
