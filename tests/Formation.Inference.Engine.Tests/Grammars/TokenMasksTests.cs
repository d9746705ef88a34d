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
                Assert.Equal(allowed.Count, TokenMasks.Count(mask));
                Assert.Equal(mask, masks.At(place));
                place = allowed.Count == 0 ? GrammarMatcher.Dead : matcher.Step(place, tokens[allowed[random.Next(allowed.Count)]]);
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
