using System.Text;

namespace Formation.Inference.Engine.Benchmarks;

/// <summary>Made-up tokens with the lengths and beginnings of a real vocabulary, and a text of them that satisfies a schema.</summary>
internal static class GrammarVocabulary
{
    private static readonly string[] Marks =
        ["\"", "\":", "\": \"", "\", \"", "\",\"", "\"}", "\"]", "\"},", "{\"", "[\"", "[{\"", "},", "],", "\",", "\": [", "\": {", "\":{\"", "\n", "\n\n", ",\n", "{\n", "[\n", "\\n", "\\\"", "\\u"];

    /// <summary>The tokens: all bytes, marks, runs of spaces, and words that begin with a space or don't.</summary>
    public static IReadOnlyList<byte[]> Tokens(int count)
    {
        var random = new Random(5);
        var tokens = new HashSet<string>(StringComparer.Ordinal);
        tokens.UnionWith(Marks);
        for (var spaces = 1; spaces <= 81; spaces++)
        {
            tokens.Add(new string(' ', spaces));
            tokens.Add("\n" + new string(' ', spaces));
        }
        for (var number = 0; number < 1000; number++)
            tokens.Add($"{number}");
        while (tokens.Count < count - 256)
        {
            // Three to twelve letters for most.
            var word = string.Concat(Enumerable.Range(0, 2 + (int)(10 * Math.Pow(random.NextDouble(), 1.5))).Select(_ => Letter(random)));
            tokens.Add(random.Next(20) switch
            {
                < 9 => " " + word,
                < 16 => word,
                16 => "\"" + word,
                17 => word + "\"",
                18 => " \"" + word,
                _ => char.ToUpperInvariant(word[0]) + word[1..] + word,
            });
        }
        return [.. Enumerable.Range(0, 256).Select(value => new[] { (byte)value }), .. tokens.Select(Encoding.UTF8.GetBytes)];
    }

    /// <summary>A list of records, as answers to extraction are.</summary>
    public static string Schema(int maxLength)
    {
        var text = maxLength == 0 ? """{"type":"string"}""" : $$"""{"type":"string","maxLength":{{maxLength}}}""";
        return $$$"""
            {"type":"object","properties":{"items":{"type":"array","items":{"type":"object","properties":{
              "name":{{{text}}},"summary":{{{text}}},"score":{"type":"number","minimum":0,"maximum":1},"kind":{"enum":["a","b"]}},
              "required":["name","summary","score","kind"],"additionalProperties":false},"maxItems":50}},"required":["items"],"additionalProperties":false}
            """;
    }

    /// <summary>Bytes of tokens that together satisfy it.</summary>
    public static byte[][] Text(int maxLength)
    {
        var random = new Random(9);
        var text = new List<string> { "{\"", "items", "\":", " ", "[" };
        for (var item = 0; item < 5; item++)
        {
            text.AddRange(item == 0 ? ["{\""] : [",", " ", "{\""]);
            text.AddRange(["name", "\": \"", .. Words(4), "\", \"", "summary", "\": \"", .. Words(maxLength is > 0 and < 200 ? 14 : 120), "\",", " ", "\"", "score", "\":", " ", "0", ".", "25", ",", " \"", "kind", "\": \"", "a", "\"}"]);
        }
        text.AddRange(["]", "}"]);
        return [.. text.Select(Encoding.UTF8.GetBytes)];

        IEnumerable<string> Words(int count) =>
            Enumerable.Range(0, count).Select(_ => " " + string.Concat(Enumerable.Range(0, random.Next(3, 7)).Select(_ => Letter(random)))).ToList();
    }

    // Some letters are far more common than others.
    private static char Letter(Random random) => "etaoinshrdlcumwfgypbvkjxqz"[(int)(26 * Math.Pow(random.NextDouble(), 1.7))];
}
