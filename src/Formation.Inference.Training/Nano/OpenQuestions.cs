namespace Formation.Inference.Training.Nano;

/// <summary>Questions that a model of this size can't answer, and its honest answer.</summary>
public static class OpenQuestions
{
    /// <summary>The answer to a question about the world that was not taught.</summary>
    public const string Unknown = "I do not know that.";

    private static readonly string[] Forms =
    [
        "Who invented the {0}?", "Who discovered the {0}?",
        "How many {0}s are there in the world?", "Why is there a {0}?", "Where can I buy a {0}?",
        "How much does a {0} cost?", "How do I make a {0}?",
        "What is the best {0}?", "What is the history of the {0}?", "Who has the largest {0}?",
        "When was the first {0} made?", "Why do people like a {0}?",
        "What is the difference between a {0} and a {1}?", "Is a {0} better than a {1}?",
        "Write a poem about a {0}.", "Write a story about a {0}.",
        "Translate {0} into French.", "What rhymes with {0}?", "How heavy is a {0}?",
        "Who won the {0} in {2}?", "What happened in {2}?",
        "Who was king in {2}?", "What is the population of {3}?", "Who is the president of {3}?",
        "What is the weather in {3}?", "What time is it?", "What day is it today?",
        "What is the news?", "Who wrote {3}?", "How far is it to {3}?",
        "What is the capital of {3}?", "Who is {3}?", "Tell me about {3}.",
        "Which {0} should I buy?", "Can you fix my {0}?", "Where is my {0}?",
        "What will happen tomorrow?", "What is the meaning of life?", "Write a program that prints a {0}.",
    ];

    private static readonly string[] Names =
    [
        "Chile", "Peru", "Kenya", "Nigeria", "Turkey", "Iran", "Iraq",
        "Vietnam", "Thailand", "Finland", "Iceland", "Cuba", "Hungary", "Romania",
        "Ukraine", "Morocco", "Ghana", "Nepal", "Laos", "Fiji", "Texas",
        "Ohio", "Hamlet", "Faust", "Einstein", "Newton", "Mozart", "Napoleon",
        "Lincoln", "Caesar", "Plato", "Darwin", "Shakespeare", "Goethe", "Picasso",
        "Mars", "Boston", "Chicago", "Hamburg", "Milan", "Lyon", "Osaka",
    ];

    /// <summary>A question, and that the model does not know.</summary>
    public static Exchange Ask(SeededRandom random, NanoData data)
    {
        var question = string.Format(
            System.Globalization.CultureInfo.InvariantCulture, random.Pick(Forms), Noun(random, data), Noun(random, data),
            random.Between(1200, 2030), random.Pick(Names));
        return new Exchange(question, Unknown);
    }

    private static string Noun(SeededRandom random, NanoData data) =>
        random.Chance(0.7) ? random.Pick(data.Definitions).Word : random.Pick(data.OtherWords);
}
