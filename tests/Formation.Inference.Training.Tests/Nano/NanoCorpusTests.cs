using Formation.Inference.Training.Nano;
using Formation.Inference.Training.Vocabulary;

namespace Formation.Inference.Training.Tests.Nano;

public sealed class NanoCorpusTests
{
    private static readonly BytePairVocabulary Bytes = new([]);

    private static readonly NanoData Data = new(
        [new("apple", "a round fruit"), new("bank", "sloping land"), new("cat", "a feline mammal"), new("hour", "sixty minutes")],
        ["zebra", "quorum"],
        [new Fact("Run form nodes.", ["How do I list the nodes?"])],
        [new Fact("Snow is white.", ["What color is snow?"])],
        [new Fact("Hello!", ["Hi", "Hello"])]);

    [Fact]
    public void The_same_seed_gives_the_same_documents_and_another_seed_others()
    {
        NanoCorpus first = new(Data, Bytes, 1), second = new(Data, Bytes, 1), other = new(Data, Bytes, 2);
        var texts = Texts(first, 50);

        Assert.Equal(texts, Texts(second, 50));
        Assert.NotEqual(texts, Texts(other, 50));
    }

    [Fact]
    public void A_corpus_continues_from_its_state()
    {
        var corpus = new NanoCorpus(Data, Bytes, 5);
        Texts(corpus, 37);
        var state = corpus.State;
        var expected = Texts(corpus, 40);
        var fresh = new NanoCorpus(Data, Bytes, 5) { State = state };

        Assert.Equal(expected, Texts(fresh, 40));
    }

    [Fact]
    public void Every_round_has_every_definition_once_in_an_order_of_its_own()
    {
        var corpus = new NanoCorpus(Data, Bytes, 3);

        var rounds = Enumerable.Range(0, 50).Select(_ => string.Join(' ', Enumerable.Range(0, 4).Select(_ => corpus.NextDefinition().Word))).ToList();

        Assert.All(rounds, round => Assert.Equal(["apple", "bank", "cat", "hour"], round.Split(' ').Order()));
        Assert.True(rounds.Distinct().Count() > 10);
    }

    [Fact]
    public void Lists_of_equations_come_after_thirty_two_rounds()
    {
        var corpus = new NanoCorpus(Data, Bytes, 3);
        bool IsEquations(string text) => text.Contains(" = ", StringComparison.Ordinal) && !text.Contains("<|im_start|>", StringComparison.Ordinal);

        Assert.DoesNotContain(Texts(corpus, 60), IsEquations);
        corpus.State = corpus.State with { Position = 32 * 4 };
        Assert.Contains(Texts(corpus, 60), IsEquations);
    }

    [Fact]
    public void Only_what_the_assistant_says_is_learnt()
    {
        var document = new ChatDocument(Bytes).System("Be brief.").User("Hi").Assistant("Hello!").Tool("{}").Build();

        var learnt = Bytes.Decode(document.Tokens.Where((_, i) => document.Learn[i]));

        Assert.Equal("Hello!<|im_end|>", learnt);
        Assert.Equal(
            "<|im_start|>system\nBe brief.<|im_end|>\n<|im_start|>user\nHi<|im_end|>\n<|im_start|>assistant\nHello!<|im_end|>", Bytes.Decode(document.Tokens));
    }

    [Fact]
    public void An_answer_keeps_the_article_of_its_question_and_holds_the_gloss_word_for_word()
    {
        var random = new SeededRandom(1);
        for (var i = 0; i < 300; i++)
        {
            var definition = random.Pick(Data.Definitions);
            var exchange = DefinitionQuestions.Ask(random, definition, following: i % 2 == 0);

            Assert.EndsWith($" {definition.Gloss}.", exchange.Answer);
            Assert.Contains(definition.Word, exchange.Question, StringComparison.OrdinalIgnoreCase);
            Assert.DoesNotContain("{", exchange.Question);
            if (exchange.Question == "What is an apple?")
                Assert.Equal("An apple is a round fruit.", exchange.Answer);
            if (exchange.Question == "What does hour mean?")
                Assert.Equal("The word hour means sixty minutes.", exchange.Answer);
        }
    }

    [Fact]
    public void A_made_up_word_is_in_none_of_the_lists()
    {
        var words = new PseudoWords(Data);
        var random = new SeededRandom(1);
        var made = Enumerable.Range(0, 2000).Select(_ => words.Make(random)).ToList();

        Assert.DoesNotContain(made, word => Data.OtherWords.Contains(word) || Data.Definitions.Any(d => d.Word == word));
        Assert.All(made, word => Assert.Matches("^[a-z]{4,14}$", word));
        Assert.True(made.Distinct().Count() > 1700);
    }

    [Fact]
    public void Sums_are_right()
    {
        var random = new SeededRandom(1);
        for (var i = 0; i < 500; i++)
        {
            var answer = Arithmetic.Ask(random).Answer;
            if (answer.StartsWith('{'))
                continue;
            var parts = answer.TrimEnd('.').Split(' ');
            int left = int.Parse(parts[0]), right = int.Parse(parts[2]);
            Assert.Equal(parts[1] switch { "+" => left + right, "-" => left - right, _ => left * right }, int.Parse(parts[4]));
        }
    }

    [Fact]
    public void Tool_calls_are_valid_JSON_of_an_offered_tool()
    {
        var random = new SeededRandom(1);
        var calls = 0;
        for (var i = 0; i < 100; i++)
        {
            var document = new ChatDocument(Bytes);
            ToolTalk.Write(document, random, _ => new Exchange("Hi", "Hello!"));
            var text = Bytes.Decode(document.Prompt());
            var start = text.IndexOf("<tool_call>\n", StringComparison.Ordinal);
            if (start < 0)
                continue;
            calls++;
            var json = text[(start + "<tool_call>\n".Length)..text.IndexOf("\n</tool_call>", StringComparison.Ordinal)];
            using var call = System.Text.Json.JsonDocument.Parse(json);
            Assert.Contains($"{{\"name\": \"{call.RootElement.GetProperty("name").GetString()}\"", text[..start]);
            Assert.Equal(System.Text.Json.JsonValueKind.Object, call.RootElement.GetProperty("arguments").ValueKind);
        }
        Assert.True(calls > 50);
    }

    private static List<string> Texts(NanoCorpus corpus, int count) =>
        [.. Enumerable.Range(0, count).Select(_ => Bytes.Decode(corpus.Next().Tokens))];
}
