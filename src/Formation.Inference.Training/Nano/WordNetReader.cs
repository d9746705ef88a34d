using System.Text.RegularExpressions;

namespace Formation.Inference.Training.Nano;

/// <summary>
/// Derives the nano model's word lists from WordNet 3.0's database files (Debian's package wordnet-base puts them in /usr/share/wordnet):
/// the commonest nouns, by how often they were tagged in WordNet's corpora, each with the short form of its first sense's gloss.
/// </summary>
public static partial class WordNetReader
{
    // Words of a gloss: short ones are learnt soonest; the very commonest nouns may have longer ones.
    private const int LongestGloss = 14;
    private const int LongestCommonGloss = 22;
    private const int CommonCount = 25;

    // Glosses that mark their word as an insult or worse.
    private static readonly string[] Unkind = ["insult", "offensive", "obscene", "derogat", "disparag", "sexual", "slur"];

    /// <param name="folder">Holds index.noun, data.noun and cntlist.rev.</param>
    /// <param name="definitions">How many nouns to define.</param>
    /// <param name="others">How many further nouns to list without a definition.</param>
    /// <returns>The definitions in alphabetical order, and the further nouns.</returns>
    /// <exception cref="IOException">A file is missing.</exception>
    public static (IReadOnlyList<Definition> Definitions, IReadOnlyList<string> Others) Read(string folder, int definitions, int others)
    {
        var counts = ReadCounts(Path.Combine(folder, "cntlist.rev"));
        var glosses = ReadGlosses(Path.Combine(folder, "data.noun"));
        List<Definition> defined = [];
        List<string> rest = [];
        var nouns = ReadFirstSenses(Path.Combine(folder, "index.noun"))
            .OrderByDescending(noun => counts.GetValueOrDefault(noun.Word))
            .ThenBy(noun => noun.Word, StringComparer.Ordinal);
        foreach (var (word, offset) in nouns)
        {
            var (written, gloss) = glosses[offset];
            if (!PlainWord().IsMatch(word) || !written.Contains(word))
                continue;
            var definition = Shorten(gloss);
            if (defined.Count < definitions && counts.GetValueOrDefault(word) is > 0 and var count && IsUsable(word, definition, count))
                defined.Add(new Definition(word, definition));
            else if (rest.Count < others)
                rest.Add(word);
        }
        return ([.. defined.OrderBy(d => d.Word, StringComparer.Ordinal)], [.. rest.Order(StringComparer.Ordinal)]);
    }

    /// <summary>The gloss up to its first semicolon, colon or example.</summary>
    internal static string Shorten(string gloss) => gloss.Split([';', ':', '"'], 2)[0].Trim().TrimEnd(',').TrimEnd();

    private static bool IsUsable(string word, string gloss, int count)
    {
        var words = gloss.Split(' ', StringSplitOptions.RemoveEmptyEntries);
        return words.Length >= 2 && words.Length <= (count >= CommonCount ? LongestCommonGloss : LongestGloss)
            && PlainGloss().IsMatch(gloss)
            && gloss.Count(c => c == '(') == gloss.Count(c => c == ')')
            && !words.Contains(word)
            && !Unkind.Any(mark => gloss.Contains(mark, StringComparison.Ordinal));
    }

    private static Dictionary<string, int> ReadCounts(string path)
    {
        var counts = new Dictionary<string, int>(StringComparer.Ordinal);
        foreach (var line in File.ReadLines(path))
        {
            var fields = line.Split(' ');
            var percent = fields[0].IndexOf('%', StringComparison.Ordinal);
            if (fields.Length == 3 && percent > 0 && fields[0][percent + 1] == '1')
                counts[fields[0][..percent]] = counts.GetValueOrDefault(fields[0][..percent]) + int.Parse(fields[2]);
        }
        return counts;
    }

    private static IEnumerable<(string Word, string Offset)> ReadFirstSenses(string path)
    {
        foreach (var line in File.ReadLines(path).Where(line => !line.StartsWith(' ')))
        {
            // lemma, part of speech, senses, number of pointers, the pointers, senses again, tagged senses, then the senses' offsets.
            var fields = line.Split(' ', StringSplitOptions.RemoveEmptyEntries);
            yield return (fields[0], fields[4 + int.Parse(fields[3]) + 2]);
        }
    }

    private static Dictionary<string, (HashSet<string> Written, string Gloss)> ReadGlosses(string path)
    {
        var glosses = new Dictionary<string, (HashSet<string>, string)>(StringComparer.Ordinal);
        foreach (var line in File.ReadLines(path, System.Text.Encoding.Latin1).Where(line => !line.StartsWith(' ')))
        {
            // offset, file, type, number of words in hexadecimal, then each word with a number.
            var fields = line.Split(' ');
            var words = Enumerable.Range(0, Convert.ToInt32(fields[3], 16)).Select(i => fields[4 + 2 * i]);
            glosses[fields[0]] = (new HashSet<string>(words, StringComparer.Ordinal), line[(line.IndexOf('|', StringComparison.Ordinal) + 1)..]);
        }
        return glosses;
    }

    [GeneratedRegex("^[a-z]{2,}$")]
    private static partial Regex PlainWord();

    [GeneratedRegex("^[A-Za-z][A-Za-z ,'()/-]+$")]
    private static partial Regex PlainGloss();
}

/// <summary>A word and what it means.</summary>
public sealed record Definition(string Word, string Gloss);
