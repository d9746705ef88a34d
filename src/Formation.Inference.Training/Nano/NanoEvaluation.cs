using System.Globalization;
using Formation.Inference.Training.Layers;

namespace Formation.Inference.Training.Nano;

/// <summary>A set of questions and how many of them a model answers exactly at temperature 0.</summary>
/// <param name="Name">What is asked.</param>
/// <param name="Asked">How many questions.</param>
/// <param name="Exact">How many of the answers are exact, the end of the turn among it.</param>
public sealed record NanoScore(string Name, int Asked, int Exact)
{
    /// <summary>Percent of exact answers.</summary>
    public double Percent => 100.0 * Exact / Asked;

    public override string ToString() => string.Create(CultureInfo.InvariantCulture, $"{Name}: {Exact} of {Asked} ({Percent:F1} %)");
}

/// <summary>Measures what the nano model knows, with questions drawn from fixed seeds.</summary>
public static class NanoEvaluation
{
    /// <summary>Rows that <see cref="Run"/> passes at once; the model must have been made for as many.</summary>
    public const int Rows = 2048;

    private const ulong Seed = 2026;

    /// <summary>Asks every kind of question.</summary>
    public static IReadOnlyList<NanoScore> Run(LanguageModel model, NanoQuestions questions) =>
    [
        Score(model, "definitions", questions.Definitions(500, Seed)),
        Score(model, "definitions as second turn", questions.FollowUps(200, Seed + 1)),
        Score(model, "sentences to continue", questions.Sentences(200, Seed + 2)),
        Score(model, "definitions as JSON", questions.Json(200, Seed + 3)),
        Score(model, "made-up words", questions.MadeUpWords(500, Seed + 4)),
        Score(model, "sums, differences, products", questions.Sums(300, Seed + 5)),
        Score(model, "about the engine", questions.EngineFacts()),
        Score(model, "other facts and small talk", questions.OtherFacts()),
        Score(model, "conversations with tools", questions.ToolCalls(100, Seed + 6)),
    ];

    /// <summary>A short measurement for the progress of a run.</summary>
    public static IReadOnlyList<NanoScore> Sample(LanguageModel model, NanoQuestions questions) =>
    [
        Score(model, "definitions", questions.Definitions(100, 99)),
        Score(model, "made-up words", questions.MadeUpWords(60, 98)),
        Score(model, "sums", questions.Sums(60, 97)),
        Score(model, "tools", questions.ToolCalls(20, 96)),
    ];

    private static NanoScore Score(LanguageModel model, string name, IReadOnlyList<TrainingDocument> documents) =>
        new(name, documents.Count, ExactAnswers.Check(model, documents, Rows).Count(exact => exact));
}
