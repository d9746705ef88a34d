using System.Text;
using Formation.Inference.Engine.Sequences;

namespace Formation.Inference.Engine.Tests.Sequences;

public sealed class StopStringMatcherTests
{
    static (string Text, string? Found) Run(string[] stops, IEnumerable<string> pieces)
    {
        var matcher = new StopStringMatcher(new StopStrings(stops));
        var text = new StringBuilder();
        foreach (var piece in pieces)
        {
            text.Append(matcher.Append(piece, mayStop: true, out var found));
            if (found is not null)
                return (text.ToString(), found);
        }

        return (text.Append(matcher.Flush()).ToString(), null);
    }

    [Fact]
    public void Without_stop_strings_text_passes_at_once() =>
        Assert.Equal("abc", new StopStringMatcher(new StopStrings([])).Append("abc", true, out _));

    [Fact]
    public void A_stop_string_over_three_pieces_is_found_and_no_part_of_it_let_out() =>
        Assert.Equal(("Hello ", "STOP"), Run(["STOP"], ["Hello S", "T", "OP and more"]));

    [Fact]
    public void What_only_began_like_a_stop_string_comes_out_later()
    {
        var matcher = new StopStringMatcher(new StopStrings(["STOP"]));
        Assert.Equal("a", matcher.Append("aSTO", true, out _));
        Assert.Equal("STOR", matcher.Append("R", true, out _));
    }

    [Fact]
    public void The_longest_possible_beginning_is_held_back()
    {
        var matcher = new StopStringMatcher(new StopStrings(["abab!", "b?"]));
        Assert.Equal("ab", matcher.Append("ababab", true, out _));
        Assert.Equal("", matcher.Append("", true, out _));
        Assert.Equal("", matcher.Append("!", true, out var found));
        Assert.Equal("abab!", found);
    }

    [Fact]
    public void The_match_that_ends_first_counts_and_of_those_the_longest()
    {
        Assert.Equal(("x", "bc"), Run(["abcd", "bc"], ["xbcd"]));
        Assert.Equal(("x", "abc"), Run(["bc", "abc"], ["xabc"]));
        Assert.Equal(("xa", "bc"), Run(["abcd", "bc"], ["xabcd"]));
    }

    [Fact]
    public void While_the_completion_must_go_on_stop_strings_pass_but_one_that_ends_later_is_found()
    {
        var matcher = new StopStringMatcher(new StopStrings(["end"]));
        Assert.Equal("the end ", matcher.Append("the end e", mayStop: false, out var found));
        Assert.Null(found);
        Assert.Equal("", matcher.Append("nd", mayStop: true, out found));
        Assert.Equal("end", found);
    }

    [Fact]
    public void What_is_held_back_comes_out_at_the_end() => Assert.Equal(("abc ST", null), Run(["STOP"], ["abc", " ST"]));

    [Fact]
    public void A_character_outside_the_basic_plane_is_never_split()
    {
        var matcher = new StopStringMatcher(new StopStrings(["😀!"]));
        Assert.Equal("", matcher.Append("😀", true, out _));
        Assert.Equal("😀?", matcher.Append("?", true, out _));
        var halves = new StopStringMatcher(new StopStrings(["\uDE00x"]));
        Assert.All([halves.Append("a😀", true, out _), halves.Append("b", true, out _)], piece => Assert.True(IsWhole(piece)));

        static bool IsWhole(string text) => !text.EnumerateRunes().Contains(Rune.ReplacementChar);
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    [InlineData(4)]
    public void The_result_does_not_depend_on_how_the_text_is_cut_and_equals_a_plain_search(int seed)
    {
        var random = new Random(seed);
        for (var round = 0; round < 2000; round++)
        {
            var stops = Enumerable.Range(0, random.Next(1, 4)).Select(_ => RandomText(random.Next(1, 5))).ToArray();
            var text = RandomText(random.Next(30));
            Assert.Equal(Search(stops, text), Run(stops, Cut(text)));
        }

        string RandomText(int length) => string.Concat(Enumerable.Range(0, length).Select(_ => "abc"[random.Next(3)]));

        IEnumerable<string> Cut(string text)
        {
            for (var start = 0; start < text.Length;)
            {
                var length = random.Next(1, Math.Min(6, text.Length - start + 1));
                yield return text.Substring(start, length);
                start += length;
            }
        }
    }

    static (string Text, string? Found) Search(string[] stops, string text)
    {
        for (var end = 1; end <= text.Length; end++)
            if (stops.Where(stop => text[..end].EndsWith(stop, StringComparison.Ordinal)).MaxBy(stop => stop.Length) is { } found)
                return (text[..(end - found.Length)], found);
        return (text, null);
    }
}
