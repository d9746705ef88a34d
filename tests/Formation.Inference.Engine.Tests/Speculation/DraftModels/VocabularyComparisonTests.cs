using Formation.Inference.Engine.Speculation.DraftModels;
using Formation.Inference.Engine.Tokenization;
using Formation.Inference.Testing.Models;

namespace Formation.Inference.Engine.Tests.Speculation.DraftModels;

public sealed class VocabularyComparisonTests
{
    static readonly TinyVocabulary Names = new(300);

    static Tokenizer Of(TinyVocabulary names, Func<int, string>? text = null, Func<int, TokenKind>? kind = null) => Tokenizer.Create(new TokenizerDefinition
    {
        Model = "gpt2",
        PreTokenizer = "llama-bpe",
        Tokens = [.. names.Tokens.Select((token, id) => text?.Invoke(id) ?? token)],
        Merges = [],
        Kinds = [.. names.TokenTypes.Select((type, id) => kind?.Invoke(id) ?? (TokenKind)type)],
        SpecialTokens = new SpecialTokenIds { Bos = names.BosId, Eos = names.EosId },
    });

    [Fact]
    public void Equal_vocabularies_do_not_differ() => Assert.Null(VocabularyComparison.FindDifference(Of(Names), Of(Names)));

    [Fact]
    public void The_first_token_that_differs_is_named_with_both_texts()
    {
        var other = Of(Names, id => id is 40 or 50 ? $"other{id}" : Names.Tokens[id]);
        var difference = VocabularyComparison.FindDifference(Of(Names), other)!;
        Assert.Contains("token 40 is", difference);
        Assert.Contains("other40", difference);
        Assert.Contains(Names.Tokens[40], difference);
        Assert.DoesNotContain("50", difference);
    }

    [Fact]
    public void Padding_at_the_end_may_be_longer_in_either()
    {
        var padded = Of(new TinyVocabulary(TinyVocabulary.MinimumSize + 200));
        var lessPadded = Of(new TinyVocabulary(TinyVocabulary.MinimumSize + 180));
        Assert.Null(VocabularyComparison.FindDifference(padded, lessPadded));
        Assert.Null(VocabularyComparison.FindDifference(lessPadded, padded));
    }

    [Fact]
    public void A_token_that_only_one_has_is_named_with_both_numbers()
    {
        var size = TinyVocabulary.MinimumSize + 200;
        var larger = Of(new TinyVocabulary(size), kind: id => id == size - 1 ? TokenKind.Normal : (TokenKind)new TinyVocabulary(size).TokenTypes[id]);
        var smaller = Of(new TinyVocabulary(size - 10));
        var difference = VocabularyComparison.FindDifference(larger, smaller)!;
        Assert.Contains($"the model has {size} tokens and the draft model {size - 10}", difference);
        Assert.Contains($"token {size - 1}", difference);
        Assert.Contains("is in the model only", difference);
        Assert.Contains("is in the draft model only", VocabularyComparison.FindDifference(smaller, larger)!);
    }
}
