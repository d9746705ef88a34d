using System.Numerics;
using System.Text;
using Formation.Inference.Engine.Grammars;

namespace Formation.Inference.Engine.Tests.Grammars;

public sealed class TokenMasksTests
{
    [Fact]
    public void A_mask_has_the_tokens_whose_bytes_may_follow_and_no_others()
    {
        var random = new Random(3);
        var tokens = Enumerable.Range(0, 300).Select(i => i % 50 == 0 ? [] : Bytes(random)).ToList();
        var trie = TokenTrie.Of([.. tokens.Select(bytes => (ReadOnlyMemory<byte>)bytes)]);
        for (var round = 0; round < 200; round++)
        {
            var matcher = GrammarMatcherTests.Matcher(GrammarMatcherTests.Random(random, 3).Expression);
            var masks = new TokenMasks(matcher, trie);
            var place = matcher.Start;
            for (var step = 0; step < 4 && place != GrammarMatcher.Dead; step++)
            {
                var mask = masks.At(place).ToArray();
                var allowed = Enumerable.Range(0, tokens.Count)
                    .Where(token => tokens[token].Length > 0 && matcher.Step(place, tokens[token]) != GrammarMatcher.Dead).ToList();
                Assert.Equal(allowed, Enumerable.Range(0, tokens.Count).Where(token => (mask[token >> 6] >> token & 1) != 0));
                Assert.Equal(allowed.Count, mask.Sum(BitOperations.PopCount));
                Assert.Equal(mask, masks.At(place));
                place = allowed.Count == 0 ? GrammarMatcher.Dead : matcher.Step(place, tokens[allowed[random.Next(allowed.Count)]]);
            }
        }
    }

    /// <summary>Places in long repeats share what is found out about them.</summary>
    [Fact]
    public void A_mask_in_a_repeat_has_the_tokens_that_fit_into_what_is_left_of_it()
    {
        var random = new Random(4);
        var tokens = Enumerable.Range(0, 300).Select(_ => Bytes(random)).Append("aaaaaaaaaaaa"u8.ToArray()).Append("b,b,b,b,b"u8.ToArray()).ToList();
        var trie = TokenTrie.Of([.. tokens.Select(bytes => (ReadOnlyMemory<byte>)bytes)]);
        for (var round = 0; round < 60; round++)
        {
            var (least, most) = (random.Next(30), 30 + random.Next(30));
            var item = random.Next(3) switch
            {
                0 => GrammarExpression.Rule("item"),
                1 => GrammarExpression.Sequence(GrammarExpression.Rule("item"), GrammarExpression.Text(",")),
                _ => GrammarExpression.Repeat(GrammarExpression.Characters(new CharacterRange('a', 'b')), 1, 25),
            };
            var matcher = GrammarMatcherTests.Matcher(
                ("root", GrammarExpression.Sequence(GrammarExpression.Rule("list"), GrammarExpression.Text("c"), GrammarExpression.Rule("list"))),
                ("list", GrammarExpression.Repeat(item, least, random.Next(4) == 0 ? null : most)),
                ("item", GrammarExpression.Choice(GrammarExpression.Text("a"), GrammarExpression.Text("b"), GrammarExpression.Text("é"))));
            var masks = new TokenMasks(matcher, trie);
            var place = matcher.Start;
            for (var step = 0; step < 80 && place != GrammarMatcher.Dead; step++)
            {
                var allowed = Enumerable.Range(0, tokens.Count).Where(token => matcher.Step(place, tokens[token]) != GrammarMatcher.Dead).ToList();
                var mask = masks.At(place).ToArray();
                Assert.Equal(allowed, Enumerable.Range(0, tokens.Count).Where(token => (mask[token >> 6] >> token & 1) != 0));
                place = allowed.Count == 0 ? GrammarMatcher.Dead : matcher.Step(place, tokens[allowed[random.Next(allowed.Count)]]);
            }
        }
    }

    /// <summary>Of what users ask for, with tokens that go over the borders of its parts.</summary>
    [Fact]
    public void A_mask_of_a_schema_has_the_tokens_that_may_follow()
    {
        var random = new Random(6);
        string[] texts = ["\"", "\":", "\": \"", "\",", "\"}", "\"]}", "{\"", "{\"a", "[[", "[", "]", "]]", "}", "}}", ",", ", ", ", \"b", ",\n  ", "\n", " ", "  ", "a", "b", "ab", "abab", "abababababab", "1", "12", "2]", "-", "0.5", "true", "null}", "\\n", "\\u00", "é", "a\"", "b\","];
        byte[][] tokens = [.. texts.Select(Encoding.UTF8.GetBytes)];
        var trie = TokenTrie.Of([.. tokens.Select(bytes => (ReadOnlyMemory<byte>)bytes)]);
        GrammarDefinition[] definitions =
        [
            JsonGrammar.Object,
            JsonSchemaGrammar.Of(System.Text.Json.JsonElement.Parse("""{"properties":{"a":{"type":"string","maxLength":40},"b":{"type":"array","items":{"$ref":"#"},"maxItems":30},"ab":{"type":"integer","minimum":-20}},"required":["a"],"additionalProperties":{"type":["number","null"]}}""")),
        ];
        foreach (var definition in definitions)
        {
            var matcher = new GrammarMatcher(GrammarCompiler.Compile(definition));
            var masks = new TokenMasks(matcher, trie);
            for (var round = 0; round < 40; round++)
            {
                var place = matcher.Start;
                for (var step = 0; step < 60 && place != GrammarMatcher.Dead; step++)
                {
                    var allowed = Enumerable.Range(0, tokens.Length).Where(token => matcher.Step(place, tokens[token]) != GrammarMatcher.Dead).ToList();
                    var mask = masks.At(place).ToArray();
                    Assert.Equal(allowed, Enumerable.Range(0, tokens.Length).Where(token => (mask[token >> 6] >> token & 1) != 0));
                    place = allowed.Count == 0 ? GrammarMatcher.Dead : matcher.Step(place, tokens[allowed[random.Next(allowed.Count)]]);
                }
            }
        }
    }

    [Fact]
    public void Tokens_of_the_same_bytes_and_of_parts_of_characters_are_each_looked_at()
    {
        byte[][] tokens = ["é"u8.ToArray(), [0xC3], [0xA9], "é"u8.ToArray(), "e"u8.ToArray(), []];
        var trie = TokenTrie.Of([.. tokens.Select(bytes => (ReadOnlyMemory<byte>)bytes)]);
        var matcher = GrammarMatcherTests.Matcher(GrammarExpression.Text("éé"));
        var masks = new TokenMasks(matcher, trie);
        Assert.Equal(0b001011UL, masks.At(matcher.Start)[0]);
        Assert.Equal(0b000100UL, masks.At(matcher.Step(matcher.Start, tokens[1]))[0]);
        Assert.Equal(0UL, masks.At(matcher.Step(matcher.Start, "éé"u8))[0]);
    }

    private static byte[] Bytes(Random random) =>
        Encoding.UTF8.GetBytes(string.Concat(Enumerable.Range(0, random.Next(1, 5)).Select(_ => random.Next(12) == 0 ? "é" : $"{(char)('a' + random.Next(3))}")));
}
