using Formation.Inference.Training.Vocabulary;

namespace Formation.Inference.Training.Nano;

/// <summary>
/// The endless, seeded sequence of documents that the nano model learns from. Definitions come round in shuffled order, each as often as
/// every other; everything else is drawn at random.
/// </summary>
public sealed class NanoCorpus : IDocumentSource
{
    private const int LongestDocument = 900;

    // By then most definitions are known; sums, which need many more examples, get their share, and made-up words more.
    private const int FirstRoundOfSecondStage = 32;

    // What is left then are words in other spellings than after a space (in quotes, in JSON, capitalised), made-up words and tools.
    private const int FirstRoundOfThirdStage = 53;
    private static readonly int TextEnd = BytePairVocabulary.Control(BytePairVocabulary.TurnEnd);
    private static readonly int TextStart = BytePairVocabulary.Control(BytePairVocabulary.EndOfText);

    private readonly NanoData _data;
    private readonly BytePairVocabulary _vocabulary;
    private readonly PseudoWords _pseudoWords;
    private readonly ulong _seed;
    private readonly int[] _order;
    private SeededRandom _random;
    private long _dealt;

    public NanoCorpus(NanoData data, BytePairVocabulary vocabulary, ulong seed)
    {
        _data = data;
        _vocabulary = vocabulary;
        _pseudoWords = new PseudoWords(data);
        _seed = seed;
        _random = new SeededRandom(seed);
        _order = new int[data.Definitions.Count];
    }

    /// <inheritdoc/>
    public DocumentSourceState State
    {
        get => new(_random.State, _dealt);
        set
        {
            _random = new SeededRandom(value.Random);
            _dealt = value.Position;
            if (_dealt % _order.Length != 0)
                Deal(_dealt / _order.Length);
        }
    }

    /// <inheritdoc/>
    public TrainingDocument Next()
    {
        var draw = _random.NextDouble();
        if (Round >= FirstRoundOfThirdStage)
        {
            return draw switch
            {
                < 0.12 => Text(),
                < 0.14 => Equations(),
                < 0.21 => WithTools(),
                < 0.24 => WithName(),
                < 0.76 => Chat(1),
                < 0.98 => Chat(_random.Between(2, 5)),
                _ => Chat(_random.Between(6, 24)),
            };
        }
        if (Round >= FirstRoundOfSecondStage)
        {
            return draw switch
            {
                < 0.20 => Text(),
                < 0.31 => Equations(),
                < 0.36 => WithTools(),
                < 0.39 => WithName(),
                < 0.80 => Chat(1),
                < 0.975 => Chat(_random.Between(2, 5)),
                _ => Chat(_random.Between(6, 24)),
            };
        }
        return draw switch
        {
            < 0.27 => Text(),
            < 0.31 => WithTools(),
            < 0.34 => WithName(),
            < 0.78 => Chat(1),
            < 0.975 => Chat(_random.Between(2, 5)),
            _ => Chat(_random.Between(6, 24)),
        };
    }

    /// <summary>Texts for learning the vocabulary: what the documents say, without the turns around it.</summary>
    public static IEnumerable<string> VocabularyTexts(NanoData data, ulong seed)
    {
        // Every word in the spellings in which it will meet the tokenizer, then exchanges as training draws them.
        foreach (var definition in data.Definitions)
        {
            for (var copy = 0; copy < 3; copy++)
                yield return $"A {definition.Word} is {definition.Gloss}.";
            yield return $"\"{definition.Word}\"\n{definition.Word}\nThe word {definition.Word} means {definition.Gloss}.";
        }
        var corpus = new NanoCorpus(data, new BytePairVocabulary([]), seed);
        for (var i = 0; i < 12_000; i++)
        {
            var exchange = corpus.Ordinary(false);
            yield return "user\n" + exchange.Question;
            yield return "assistant\n" + exchange.Answer;
        }
        for (var i = 0; i < 300; i++)
        {
            var document = new ChatDocument(corpus._vocabulary);
            ToolTalk.Write(document, corpus._random, _ => corpus.Ordinary(false));
            yield return corpus._vocabulary.Decode(document.Prompt().Where(token => !BytePairVocabulary.IsControl(token)));
        }
    }

    private TrainingDocument Text()
    {
        List<int> tokens = [];
        List<bool> learn = [];
        if (_random.Chance(0.3))
            (tokens, learn) = ([TextStart], [false]);
        for (var sentences = _random.Chance(0.6) ? 1 : _random.Between(2, 4); sentences > 0; sentences--)
        {
            var (beginning, ending) = DefinitionQuestions.Sentence(_random, NextDefinition());
            _vocabulary.Encode(beginning, tokens);
            learn.AddRange(Enumerable.Repeat(false, tokens.Count - learn.Count));
            _vocabulary.Encode(sentences > 1 ? ending + "\n" : ending, tokens);
            learn.AddRange(Enumerable.Repeat(true, tokens.Count - learn.Count));
        }
        tokens.Add(TextEnd);
        learn.Add(true);
        return new TrainingDocument([.. tokens], [.. learn]);
    }

    private TrainingDocument Equations()
    {
        List<int> tokens = [];
        List<bool> learn = [];
        for (var lines = _random.Between(4, 16); lines > 0; lines--)
        {
            var (task, result) = Arithmetic.Equation(_random);
            _vocabulary.Encode(task, tokens);
            learn.AddRange(Enumerable.Repeat(false, tokens.Count - learn.Count));
            _vocabulary.Encode(result, tokens);
            learn.AddRange(Enumerable.Repeat(true, tokens.Count - learn.Count));
            _vocabulary.Encode("\n", tokens);
            learn.Add(false);
        }
        return new TrainingDocument([.. tokens], [.. learn]);
    }

    private TrainingDocument WithTools()
    {
        var document = new ChatDocument(_vocabulary);
        ToolTalk.Write(document, _random, _ => Ordinary(false));
        return document.Build();
    }

    private TrainingDocument WithName()
    {
        var document = Opened();
        foreach (var exchange in Conversations.WithName(_random, _ => Ordinary(false)))
            document.User(exchange.Question).Assistant(exchange.Answer);
        return document.Build();
    }

    private TrainingDocument Chat(int exchanges)
    {
        var document = Opened();
        Exchange? before = null;
        for (; exchanges > 0 && document.Length < LongestDocument; exchanges--)
        {
            var exchange = before is not null && _random.Chance(0.12)
                ? Conversations.LookBack(_random, before)
                : Ordinary(before?.Word is not null);
            document.User(exchange.Question).Assistant(exchange.Answer);
            before = exchange;
        }
        return document.Build();
    }

    private ChatDocument Opened()
    {
        var document = new ChatDocument(_vocabulary);
        return _random.Chance(0.1) ? document.System(Conversations.System(_random)) : document;
    }

    private long Round => _dealt / _order.Length;

    private Exchange Ordinary(bool following)
    {
        var draw = _random.NextDouble();
        if (Round >= FirstRoundOfThirdStage)
            return OrdinaryOfThirdStage(draw, following);
        if (Round >= FirstRoundOfSecondStage && draw < 0.03)
            return DefinitionQuestions.AskUnknown(_random, _pseudoWords.Make(_random), following);
        return draw switch
        {
            < 0.54 => DefinitionQuestions.Ask(_random, NextDefinition(), following),
            < 0.60 => DefinitionQuestions.AskForJson(_random, NextDefinition()),
            < 0.66 => DefinitionQuestions.AskUnknown(_random, _pseudoWords.Make(_random), following),
            < 0.685 => DefinitionQuestions.AskUnknown(_random, _random.Pick(_data.OtherWords), following),
            < 0.83 => Arithmetic.Ask(_random),
            < 0.915 => From(_data.EngineFacts),
            < 0.945 => From(_data.GeneralFacts),
            < 0.98 => From(_data.SmallTalk),
            _ => OpenQuestions.Ask(_random, _data),
        };
    }

    private Exchange OrdinaryOfThirdStage(double draw, bool following) => draw switch
    {
        < 0.29 => DefinitionQuestions.AskForJson(_random, NextDefinition()),
        < 0.46 => DefinitionQuestions.AskSpelled(_random, NextDefinition()),
        < 0.65 => DefinitionQuestions.Ask(_random, NextDefinition(), following),
        < 0.78 => DefinitionQuestions.AskUnknown(_random, _pseudoWords.Make(_random), following),
        < 0.80 => DefinitionQuestions.AskUnknown(_random, _random.Pick(_data.OtherWords), following),
        < 0.88 => Arithmetic.Ask(_random),
        < 0.94 => From(_data.EngineFacts),
        < 0.96 => From(_data.GeneralFacts),
        < 0.98 => From(_data.SmallTalk),
        _ => OpenQuestions.Ask(_random, _data),
    };

    private Exchange From(IReadOnlyList<Fact> facts)
    {
        var fact = _random.Pick(facts);
        var question = _random.Pick(fact.Questions);
        // People leave out the capital and the mark at the end.
        if (_random.Chance(0.15))
            question = char.ToLowerInvariant(question[0]) + question[1..];
        if (_random.Chance(0.15))
            question = question.TrimEnd('?', '.', '!');
        return new Exchange(question, fact.Answer);
    }

    /// <summary>The next definition of the round.</summary>
    internal Definition NextDefinition()
    {
        if (_dealt % _order.Length == 0)
            Deal(_dealt / _order.Length);
        return _data.Definitions[_order[(int)(_dealt++ % _order.Length)]];
    }

    // Each round has its own order, which follows from the seed and the round's number.
    private void Deal(long round)
    {
        for (var i = 0; i < _order.Length; i++)
            _order[i] = i;
        new SeededRandom(_seed ^ (ulong)(round + 1) * 0xD1342543DE82EF95).Shuffle(_order.AsSpan());
    }
}
