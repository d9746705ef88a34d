using System.Collections.Frozen;
using System.Globalization;

namespace Formation.Inference.Engine.Tokenization;

/// <summary>
/// The first code point of a code point's canonical decomposition: a letter without its accents. .NET can't normalise beyond ASCII in
/// invariant globalization mode, so the table is a resource of this assembly.
/// </summary>
internal static class CanonicalBases
{
    const int HangulFirst = 0xAC00, HangulLast = 0xD7A3, HangulLeadFirst = 0x1100, HangulSyllablesForLead = 588;

    static readonly Lazy<FrozenDictionary<int, int>> Table = new(Read);

    public static int Of(int codePoint) => codePoint switch
    {
        < 0xC0 => codePoint,
        >= HangulFirst and <= HangulLast => HangulLeadFirst + (codePoint - HangulFirst) / HangulSyllablesForLead,
        _ => Table.Value.GetValueOrDefault(codePoint, codePoint),
    };

    static FrozenDictionary<int, int> Read()
    {
        using Stream resource = typeof(CanonicalBases).Assembly.GetManifestResourceStream("canonical-bases.txt")!;
        using var reader = new StreamReader(resource);
        var bases = new Dictionary<int, int>();
        while (reader.ReadLine() is { } line)
        {
            if (line.StartsWith('#')) continue;
            string[] columns = line.Split(' ');
            foreach (string range in columns.AsSpan(1))
            {
                string[] bounds = range.Split('-');
                for (int codePoint = Parse(bounds[0]); codePoint <= Parse(bounds[^1]); codePoint++) bases.Add(codePoint, Parse(columns[0]));
            }
        }
        return bases.ToFrozenDictionary();
    }

    static int Parse(string hex) => int.Parse(hex, NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture);
}
