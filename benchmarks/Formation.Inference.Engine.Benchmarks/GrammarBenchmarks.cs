using System.Text.Json;
using BenchmarkDotNet.Attributes;
using Formation.Inference.Engine.Grammars;

namespace Formation.Inference.Engine.Benchmarks;

/// <summary>
/// What a grammar costs the engine's thread: following one text of several hundred tokens, with the tokens that may follow each of them. The vocabulary
/// is made up, with the lengths and first bytes of a real one.
/// </summary>
[MemoryDiagnoser]
public class GrammarBenchmarks
{
    private const int Vocabulary = 128_256;

    private TokenTrie _trie = null!;
    private GrammarAutomaton _automaton = null!;
    private byte[][] _text = [];

    /// <summary>The most characters of a text in the schema.</summary>
    [Params(0, 100, 1000)]
    public int MaxLength { get; set; }

    [GlobalSetup]
    public void Setup()
    {
        _trie = TokenTrie.Of([.. GrammarVocabulary.Tokens(Vocabulary).Select(bytes => (ReadOnlyMemory<byte>)bytes)]);
        _automaton = GrammarCompiler.Compile(JsonSchemaGrammar.Of(JsonElement.Parse(GrammarVocabulary.Schema(MaxLength))));
        _text = GrammarVocabulary.Text(MaxLength);
    }

    /// <summary>By a grammar that nothing is known about yet.</summary>
    [Benchmark]
    public int First() => Follow(new GrammarMatcher(_automaton));

    private int Follow(GrammarMatcher matcher)
    {
        var masks = new TokenMasks(matcher, _trie);
        var (place, allowed) = (matcher.Start, 0);
        foreach (var bytes in _text)
        {
            allowed += (int)(masks.At(place)[0] & 1);
            place = matcher.Step(place, bytes);
        }
        return allowed;
    }
}
