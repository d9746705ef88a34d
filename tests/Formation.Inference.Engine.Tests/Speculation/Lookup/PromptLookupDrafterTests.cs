using Formation.Inference.Engine.Sampling;
using Formation.Inference.Engine.Sequences;
using Formation.Inference.Engine.Speculation;
using Formation.Inference.Engine.Speculation.Lookup;

namespace Formation.Inference.Engine.Tests.Speculation.Lookup;

public sealed class PromptLookupDrafterTests
{
    static readonly SamplerState State = new(SamplingParams.Default, StopConditions.Default, 1, 0, promptTokens: null);

    readonly PromptLookupDrafter _drafter = new();

    static Sequence Of(params int[] prompt) => new SequenceGroup(0, "a", prompt, [], 1).Leader;

    static int[] Tokens(string letters) => [.. letters.Select(letter => (int)letter)];

    string Guess(Sequence sequence, int limit = 15)
    {
        sequence.Draft.Clear();
        _drafter.Draft([new DraftTarget(sequence, State, limit)]);
        return string.Concat(sequence.Draft.Select(token => (char)token));
    }

    [Theory]
    [InlineData("the cat sat on the", " cat s")]
    [InlineData("no letter twice", "")]
    [InlineData("ab-ax-ab", "-ax-")]
    [InlineData("abcabcabc", "abcabcabcabc")]
    [InlineData("aaaa", "aaaaaa")]
    [InlineData("aa", "")]
    [InlineData("a", "")]
    public void What_followed_the_newest_tokens_before_is_guessed_again(string text, string guess) =>
        Assert.StartsWith(guess.Length == 0 ? "|" : guess, Guess(Of(Tokens(text))) + "|");

    [Fact]
    public void The_newest_of_several_places_counts_and_the_longest_agreement_before_that()
    {
        Assert.StartsWith("2", Guess(Of(Tokens("ab1 ab2 ab"))));
        Assert.StartsWith("1", Guess(Of(Tokens("xab1 yab2 xab"))));
    }

    [Fact]
    public void An_agreement_that_goes_on_is_followed_and_its_guesses_grow()
    {
        var sequence = Of(Tokens("0123456789abcdefghijklmnop/34"));
        Assert.Equal("5678", Guess(sequence));
        foreach (var token in Tokens("5678"))
            sequence.Append(token);
        Assert.Equal("9abcdefghijk", Guess(sequence));
        Assert.Equal("9ab", Guess(sequence, limit: 3));
        sequence.Append('X');
        Assert.Equal("", Guess(sequence));
    }

    [Fact]
    public void A_draft_is_no_part_of_what_is_looked_up()
    {
        var sequence = Of(Tokens("abcd ab"));
        Assert.StartsWith("cd", Guess(sequence));
        Assert.StartsWith("cd", Guess(sequence));
        sequence.Draft.Clear();
        sequence.Append('x');
        Assert.Equal("", Guess(sequence));
    }

    [Fact]
    public void Sequences_are_told_apart_and_forgotten_when_they_end()
    {
        var (first, second) = (Of(Tokens("abcd ab")), Of(Tokens("abxy ab")));
        Assert.StartsWith("cd", Guess(first));
        Assert.StartsWith("xy", Guess(second));
        first.State = SequenceState.Finished;
        _drafter.Release();
        Assert.Equal(1, _drafter.SequenceCount);
    }

    [Fact]
    public void A_guess_agrees_with_a_plain_search_of_the_whole_text()
    {
        var random = new Random(7);
        for (var round = 0; round < 40; round++)
        {
            var sequence = Of([.. Enumerable.Range(0, random.Next(1, 300)).Select(_ => random.Next(6))]);
            for (var step = 0; step < 40; step++)
            {
                var guess = Guess(sequence, limit: 4);
                var (length, end) = LongestAgreement(sequence);
                if (length == 0)
                    Assert.Equal("", guess);
                else
                    Assert.Equal(sequence[end], guess[0]);
                sequence.Draft.Clear();
                sequence.Append(random.Next(6));
            }
        }
    }

    /// <summary>The longest suffix that also stands earlier, and the position behind its newest such place.</summary>
    static (int Length, int End) LongestAgreement(Sequence sequence)
    {
        for (var length = NgramIndex.Longest; length >= NgramIndex.Shortest; length--)
            for (var end = sequence.Length - 1; end >= length; end--)
                if (Enumerable.Range(1, length).All(i => sequence[end - i] == sequence[sequence.Length - i]))
                    return (length, end);
        return (0, 0);
    }

    [Fact]
    public void The_index_is_bounded_and_finds_the_newest_text_of_a_long_one()
    {
        var random = new Random(3);
        var sequence = Of([.. Enumerable.Range(0, 200_000).Select(_ => random.Next(50_000))]);
        var index = new NgramIndex();
        index.Extend(sequence);
        Assert.Equal(NgramIndex.Window, index.Capacity);
        foreach (var from in new[] { sequence.Length - 100, sequence.Length - NgramIndex.Window + 100 })
        {
            sequence.Draft.Clear();
            foreach (var position in Enumerable.Range(from, 3))
                sequence.Append(sequence[position]);
            index.Extend(sequence);
            index.Continue(sequence, 5);
            Assert.Equal(Enumerable.Range(from + 3, 5).Select(position => sequence[position]), sequence.Draft);
        }
    }

    [Fact]
    public void What_fell_out_of_the_window_is_not_found()
    {
        var sequence = Of([1, 2, 3, .. Enumerable.Range(10, NgramIndex.Window), 1, 2]);
        var index = new NgramIndex();
        index.Extend(sequence);
        Assert.Equal(0, index.MatchLength);
    }

    [Fact]
    public void The_same_token_without_end_costs_a_bounded_search()
    {
        var sequence = Of([.. Enumerable.Repeat(5, 100_000)]);
        var index = new NgramIndex();
        index.Extend(sequence);
        index.Continue(sequence, 20);
        Assert.Equal(Enumerable.Repeat(5, 20), sequence.Draft);
    }
}
