using Formation.Inference.Training.Vocabulary;

namespace Formation.Inference.Training.Nano;

/// <summary>Sets of questions with one right answer each, for measuring what the nano model knows.</summary>
public sealed class NanoQuestions(NanoData data, BytePairVocabulary vocabulary)
{
    /// <summary>Questions about words that are taught, the form drawn for each.</summary>
    public IReadOnlyList<TrainingDocument> Definitions(int count, ulong seed)
    {
        var random = new SeededRandom(seed);
        var order = data.Definitions.ToArray();
        random.Shuffle(order.AsSpan());
        return [.. order.Take(count).Select(d => Single(DefinitionQuestions.Ask(random, d, following: false)))];
    }

    /// <summary>Sentences about words that are taught, to continue.</summary>
    public IReadOnlyList<TrainingDocument> Sentences(int count, ulong seed)
    {
        var random = new SeededRandom(seed);
        return Draw(count, () => Sentence(DefinitionQuestions.Sentence(random, random.Pick(data.Definitions))));
    }

    /// <summary>Requests for a definition as a JSON object.</summary>
    public IReadOnlyList<TrainingDocument> Json(int count, ulong seed)
    {
        var random = new SeededRandom(seed);
        return Draw(count, () => Single(DefinitionQuestions.AskForJson(random, random.Pick(data.Definitions))));
    }

    /// <summary>Questions about words that do not exist.</summary>
    public IReadOnlyList<TrainingDocument> MadeUpWords(int count, ulong seed)
    {
        var random = new SeededRandom(seed);
        var words = new PseudoWords(data);
        return Draw(count, () => Single(DefinitionQuestions.AskUnknown(random, words.Make(random), following: false)));
    }

    /// <summary>Sums, differences and products.</summary>
    public IReadOnlyList<TrainingDocument> Sums(int count, ulong seed)
    {
        var random = new SeededRandom(seed);
        return Draw(count, () => Single(Arithmetic.Ask(random)));
    }

    /// <summary>Every question about the engine.</summary>
    public IReadOnlyList<TrainingDocument> EngineFacts() => All(data.EngineFacts);

    /// <summary>Every other fact and all small talk.</summary>
    public IReadOnlyList<TrainingDocument> OtherFacts() => All([.. data.GeneralFacts, .. data.SmallTalk]);

    /// <summary>Conversations with tools: the call and the answer from its result must both be right.</summary>
    public IReadOnlyList<TrainingDocument> ToolCalls(int count, ulong seed)
    {
        var random = new SeededRandom(seed);
        return Draw(
            count,
            () =>
            {
                var document = new ChatDocument(vocabulary);
                ToolTalk.Write(document, random, _ => Arithmetic.Ask(random));
                return document.Build();
            });
    }

    /// <summary>Second turns about another word ("and a cat?"); only the second answer counts.</summary>
    public IReadOnlyList<TrainingDocument> FollowUps(int count, ulong seed)
    {
        var random = new SeededRandom(seed);
        return Draw(
            count,
            () =>
            {
                var first = DefinitionQuestions.Ask(random, random.Pick(data.Definitions), following: false);
                var second = DefinitionQuestions.Ask(random, random.Pick(data.Definitions), following: true);
                return new ChatDocument(vocabulary)
                    .User(first.Question).Assistant(first.Answer, learn: false).User(second.Question).Assistant(second.Answer).Build();
            });
    }

    private static TrainingDocument[] Draw(int count, Func<TrainingDocument> make) => [.. Enumerable.Range(0, count).Select(_ => make())];

    private TrainingDocument[] All(IEnumerable<Fact> facts) =>
        [.. facts.SelectMany(fact => fact.Questions.Select(question => Single(new Exchange(question, fact.Answer))))];

    private TrainingDocument Single(Exchange exchange) =>
        new ChatDocument(vocabulary).User(exchange.Question).Assistant(exchange.Answer).Build();

    private TrainingDocument Sentence((string Beginning, string Ending) sentence)
    {
        var tokens = vocabulary.Encode(sentence.Beginning);
        var prompt = tokens.Count;
        vocabulary.Encode(sentence.Ending, tokens);
        tokens.Add(BytePairVocabulary.Control(BytePairVocabulary.TurnEnd));
        return new TrainingDocument([.. tokens], [.. tokens.Select((_, i) => i >= prompt)]);
    }
}
