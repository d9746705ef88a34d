using Formation.Inference.Training.Vocabulary;

namespace Formation.Inference.Training.Tests.Vocabulary;

public sealed class BytePairTests
{
    [Fact]
    public void The_commonest_pair_becomes_the_first_token()
    {
        // "low" occurs 7 times and "lower" twice: l-o and o-w are the commonest pairs, equally often; the lower ids win.
        var texts = Enumerable.Repeat("low", 7).Concat(["lower", "lower", "newest"]);

        var vocabulary = BytePairTrainer.Train(texts, 3 + 256 + 2);

        Assert.Equal(["lo", "low"], [vocabulary.Written(259), vocabulary.Written(260)]);
        Assert.Equal([260, BytePairVocabulary.ByteToken((byte)'e'), BytePairVocabulary.ByteToken((byte)'r')], vocabulary.Encode("lower"));
    }

    [Fact]
    public void Training_is_the_same_each_time_and_ends_where_no_pair_is_left()
    {
        string[] texts = ["the cat and the hat", "the dog and the frog", "cats and dogs"];
        var vocabulary = BytePairTrainer.Train(texts, 1000);

        Assert.Equal(vocabulary.Merges, BytePairTrainer.Train(texts, 1000).Merges);
        Assert.InRange(vocabulary.Count, 270, 300);
    }

    [Theory]
    [InlineData("The cat, 42 cats!\n\n  and  more\t")]
    [InlineData("größer 漢字 👩‍👩‍👧 \u0000\u007f")]
    [InlineData("<|im_start|>user<|im_end|>")]
    [InlineData("")]
    public void Decoding_gives_the_text_back(string text)
    {
        var vocabulary = BytePairTrainer.Train(["the cat and the cats", "the end"], 300);

        Assert.Equal(text, vocabulary.Decode(vocabulary.Encode(text)));
        Assert.DoesNotContain(vocabulary.Encode(text), BytePairVocabulary.IsControl);
    }

    [Fact]
    public void A_space_is_written_as_GPT_2_writes_it()
    {
        var vocabulary = BytePairTrainer.Train(["a a a a"], 260);

        Assert.Equal("Ġa", vocabulary.Written(259));
        Assert.Equal("Ċ", vocabulary.Written(BytePairVocabulary.ByteToken((byte)'\n')));
        Assert.Equal("<|im_end|>", vocabulary.Written(2));
    }

    [Fact]
    public void A_merge_of_a_token_that_does_not_exist_yet_is_refused() =>
        Assert.Throws<ArgumentException>(() => new BytePairVocabulary([(100, 259)]));
}
