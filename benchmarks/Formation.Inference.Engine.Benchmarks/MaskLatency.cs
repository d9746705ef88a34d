using System.Diagnostics;
using System.Text.Json;
using Formation.Inference.Engine.Grammars;

namespace Formation.Inference.Engine.Benchmarks;

/// <summary>
/// How long each token's mask and step take, one by one: by a grammar that nothing is known about yet, and by the same grammar for the next text. A mean
/// says little here, for a first visit to a kind of place walks the vocabulary and the many after it do not.
/// </summary>
internal static class MaskLatency
{
    private const int Vocabulary = 128_256, Rounds = 5;

    /// <summary>Prints a row of a table for each length that the schema limits its texts to; 0 for no limit. Times in µs.</summary>
    public static void Run()
    {
        var trie = TokenTrie.Of([.. GrammarVocabulary.Tokens(Vocabulary).Select(bytes => (ReadOnlyMemory<byte>)bytes)]);
        Console.WriteLine("| maxLength | tokens | compile, ms | first text: median | p90 | p99 | max | next text: median | p90 | p99 | max |");
        Console.WriteLine("|---|---|---|---|---|---|---|---|---|---|---|");
        foreach (var maxLength in (int[])[0, 100, 1000])
        {
            var text = GrammarVocabulary.Text(maxLength);
            var (compiling, first, next) = (new List<double>(), new List<double>(), new List<double>());
            for (var round = 0; round <= Rounds; round++)
            {
                var begin = Stopwatch.GetTimestamp();
                var automaton = GrammarCompiler.Compile(JsonSchemaGrammar.Of(JsonElement.Parse(GrammarVocabulary.Schema(maxLength))));
                var compiled = Stopwatch.GetElapsedTime(begin).TotalMilliseconds;
                var matcher = new GrammarMatcher(automaton);
                var masks = new TokenMasks(matcher, trie);
                var (cold, warm) = (Follow(matcher, masks, text), Follow(matcher, masks, text));
                // The first round is the compiler's.
                if (round == 0)
                    continue;
                compiling.Add(compiled);
                first.AddRange(cold);
                next.AddRange(warm);
            }
            Console.WriteLine(FormattableString.Invariant($"| {maxLength} | {text.Length} | {Of(compiling, 0.5):F1} | {Row(first)} | {Row(next)} |"));
        }
    }

    private static List<double> Follow(GrammarMatcher matcher, TokenMasks masks, byte[][] text)
    {
        var (place, times) = (matcher.Start, new List<double>(text.Length));
        foreach (var bytes in text)
        {
            var begin = Stopwatch.GetTimestamp();
            masks.At(place);
            place = matcher.Step(place, bytes);
            times.Add(Stopwatch.GetElapsedTime(begin).TotalMicroseconds);
        }
        return place == GrammarMatcher.Dead ? throw new InvalidOperationException("the text does not satisfy its schema") : times;
    }

    private static string Row(List<double> times) =>
        FormattableString.Invariant($"{Of(times, 0.5):F1} | {Of(times, 0.9):F1} | {Of(times, 0.99):F0} | {times.Max():F0}");

    private static double Of(List<double> times, double part) => times.Order().ElementAt((int)(part * (times.Count - 1)));
}
