using System.Text;
using Formation.Inference.Engine.Sampling;
using Formation.Inference.Engine.Sequences;
using Formation.Inference.Engine.Tokenization;
using Formation.Inference.Testing.Fakes;

namespace Formation.Inference.Engine.Tests.Sequences;

public sealed class ChoiceOutputTests
{
    readonly Tokenizer _tokenizer = new InventedModel().Tokenizer;

    ChoiceOutput New(params string[] stops) => New(new StopConditions { Strings = stops });

    ChoiceOutput New(StopConditions stop) =>
        new(_tokenizer, stop, new StopStrings(stop.Strings), new SamplerState(SamplingParams.Default, stop, 1, 0, promptTokens: null));

    /// <summary>Feeds a text byte by byte, one token each, and returns every step.</summary>
    List<OutputStep> Feed(ChoiceOutput output, string text)
    {
        var bytes = Encoding.UTF8.GetBytes(text);
        var steps = new List<OutputStep>();
        for (var i = 0; i < bytes.Length; i++)
        {
            var token = Enumerable.Range(0, 256).Single(id => _tokenizer.TokenBytes(id).Span.SequenceEqual(bytes.AsSpan(i, 1)));
            steps.Add(output.Append(token, new TokenLogprob(token, _tokenizer.TokenBytes(token), 0, []), i == bytes.Length - 1 ? FinishReason.Length : null));
            if (steps[^1].Finish is not null)
                break;
        }

        return steps;
    }

    static string TextOf(IEnumerable<OutputStep> steps) => string.Concat(steps.Select(step => step.Text));

    static string BytesOf(IEnumerable<OutputStep> steps) =>
        Encoding.UTF8.GetString([.. steps.SelectMany(step => step.Tokens).SelectMany(token => token.Bytes.ToArray())]);

    [Fact]
    public void Characters_of_several_tokens_come_out_whole_and_never_before_their_last_token()
    {
        var steps = Feed(New(), "aä€😀b");
        Assert.Equal("aä€😀b", TextOf(steps));
        Assert.DoesNotContain(steps, step => step.Text.Contains('�'));
        Assert.Equal("aä€😀b", BytesOf(steps));
        Assert.Equal(FinishReason.Length, steps[^1].Finish);
    }

    [Fact]
    public void The_last_step_tells_the_tokens_that_no_step_has_told()
    {
        var steps = Feed(New("STOP"), "One STOP");
        Assert.All(steps.SkipLast(1), step => Assert.Null(step.EndTokens));
        Assert.Equal("STOP", Encoding.UTF8.GetString([.. steps[^1].EndTokens!.SelectMany(token => token.Bytes.ToArray())]));

        var output = New();
        var end = new TokenLogprob(_tokenizer.EndOfGeneration.First(), default, -1, []);
        Assert.Equal([end], output.Append(end.TokenId, end, null).EndTokens);
        Assert.Empty(New().Append(end.TokenId, null, null).EndTokens!);
    }

    [Fact]
    public void Of_a_long_stop_string_only_its_first_tokens_are_told()
    {
        var stop = new string('x', 2 * GenerationFinished.MaxEndTokens);
        Assert.Equal(GenerationFinished.MaxEndTokens, Feed(New(stop), stop)[^1].EndTokens!.Count);
    }

    [Fact]
    public void At_each_moment_the_tokens_reported_are_those_of_the_text_reported()
    {
        var (text, bytes) = (new StringBuilder(), new StringBuilder());
        foreach (var step in Feed(New("STOP"), "One STO and a ST but no more S"))
        {
            text.Append(step.Text);
            bytes.Append(BytesOf([step]));
            Assert.Equal(text.ToString(), bytes.ToString());
        }
    }

    [Fact]
    public void Neither_text_nor_tokens_of_a_stop_string_come_out()
    {
        var steps = Feed(New("😀!"), "go 😀! on");
        Assert.Equal(("go ", "go "), (TextOf(steps), BytesOf(steps)));
        Assert.Equal((FinishReason.Stop, "😀!"), (steps[^1].Finish, steps[^1].StopString));
    }

    [Fact]
    public void A_character_cut_off_by_the_end_shows_as_replaced()
    {
        var output = New();
        var euro = Enumerable.Range(0, 256).Single(id => _tokenizer.TokenBytes(id).Span.SequenceEqual(new byte[] { 0xE2 }));
        Assert.Equal("�", output.Append(euro, null, FinishReason.Length).Text);
    }

    [Fact]
    public void An_end_of_generation_token_counts_and_lets_out_what_was_held_back()
    {
        var output = New("STOP");
        var token = Enumerable.Range(0, 256).Single(id => _tokenizer.TokenBytes(id).Span.SequenceEqual("S"u8));
        Assert.Equal("", output.Append(token, null, null).Text);
        var step = output.Append(_tokenizer.Eos!.Value, null, null);
        Assert.Equal(("S", FinishReason.Stop, 2), (step.Text, step.Finish, output.CompletionTokens));
    }

    [Fact]
    public void Before_the_minimum_stop_strings_are_text()
    {
        var steps = Feed(New(new StopConditions { Strings = ["b"], MinTokens = 3 }), "abcb");
        Assert.Equal(("abc", "b"), (TextOf(steps), steps[^1].StopString));
    }

    [Theory]
    [InlineData("One STO and a ST but no more STOP here")]
    [InlineData("aä€😀b STOä😀TOP€")]
    [InlineData("STSTSTOSTOSTOP")]
    [InlineData("no end in sight S")]
    public void Behind_a_cut_anywhere_comes_what_was_missing(string text)
    {
        var bytes = Encoding.UTF8.GetBytes(text);
        var whole = Feed(New("STOP", "TO€"), text);
        for (var cut = 0; cut < whole.Count; cut++)
        {
            var before = whole[..cut];
            int[] delivered = [.. before.SelectMany(step => step.TokenIds)];
            var next = New("STOP", "TO€");
            foreach (var token in delivered)
                next.Replay(token);
            next.Skip(delivered.Length, TextOf(before).Length);

            List<OutputStep> after = [];
            for (var i = delivered.Length; after.Count == 0 || after[^1].Finish is null; i++)
                after.Add(next.Append(IdOf(bytes[i]), new TokenLogprob(IdOf(bytes[i]), bytes[i..(i + 1)], 0, []), i == bytes.Length - 1 ? FinishReason.Length : null));
            Assert.Equal(TextOf(whole), TextOf(before) + TextOf(after));
            Assert.Equal(whole.SelectMany(step => step.TokenIds), delivered.Concat(after.SelectMany(step => step.TokenIds)));
            Assert.Equal(BytesOf(whole), BytesOf([.. before, .. after]));
            Assert.Equal((whole[^1].Finish, whole[^1].StopString, whole.Count), (after[^1].Finish, after[^1].StopString, next.CompletionTokens));
        }
    }

    int IdOf(byte value) => Enumerable.Range(0, 256).Single(id => _tokenizer.TokenBytes(id).Span.SequenceEqual([value]));

    [Fact]
    public void Control_tokens_show_as_their_names_where_they_are_text()
    {
        var marker = _tokenizer.FindSpecial("<|im_start|>")!.Value;
        var sampler = new SamplerState(SamplingParams.Default, StopConditions.Default, 1, 0, promptTokens: null);
        var shown = new ChoiceOutput(_tokenizer, StopConditions.Default, new StopStrings([]), sampler, new HashSet<int> { marker });
        Assert.Equal("<|im_start|>", shown.Append(marker, null, FinishReason.Length).Text);
        Assert.Equal("", New().Append(marker, null, FinishReason.Length).Text);
    }
}
