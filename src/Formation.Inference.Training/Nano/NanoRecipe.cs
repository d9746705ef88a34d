using System.Globalization;
using Formation.Inference.Training.Layers;
using Formation.Inference.Training.Optimization;
using Formation.Inference.Training.Vocabulary;

namespace Formation.Inference.Training.Nano;

/// <summary>What a run of the recipe is given.</summary>
/// <param name="DataFolder">Holds the recipe's data files (models/formation-nano/data).</param>
/// <param name="WorkFolder">Gets the checkpoint; a run that was interrupted goes on from it.</param>
/// <param name="OutputPath">Where the model's GGUF file is written.</param>
/// <param name="Threads">Threads that work; the result does not depend on it.</param>
public sealed record NanoRecipeOptions(string DataFolder, string WorkFolder, string OutputPath, int Threads);

/// <summary>The whole recipe of formation-nano, from its data to its GGUF file.</summary>
public sealed class NanoRecipe(NanoRecipeOptions options, TimeProvider clock)
{
    /// <summary>Tokens of the vocabulary.</summary>
    public const int VocabularySize = 4096;

    private const ulong VocabularySeed = 1;
    private const ulong CorpusSeed = 7;
    private const int EvaluationRows = 2048;

    /// <summary>The model's sides and how it is trained.</summary>
    public static TrainingOptions Training { get; } = new(
        new ModelShape(VocabularySize, Width: 256, Blocks: 6, Heads: 8, KeyHeads: 4, FeedForward: 704, Context: 1024),
        StepTokens: 1024, TotalTokens: 6_200_000, PeakLearningRate: 2e-3, WarmUpTokens: 100_000, DecayTokens: 2_400_000,
        new AdamWOptions(), Seed: 3);

    /// <summary>Runs the recipe on a thread of its own.</summary>
    /// <param name="progress">Gets the progress.</param>
    /// <param name="cancellationToken">Stops after the current step, with a checkpoint from which the next run goes on.</param>
    /// <exception cref="IOException">A data file is missing, or the output can't be written.</exception>
    /// <exception cref="InvalidDataException">A data file or the checkpoint is not what it should be.</exception>
    /// <exception cref="OperationCanceledException">The run was stopped.</exception>
    public Task RunAsync(IProgress<TrainingProgress> progress, CancellationToken cancellationToken) =>
        Task.Factory.StartNew(
            () => Run(progress, cancellationToken), cancellationToken, TaskCreationOptions.LongRunning, TaskScheduler.Default);

    private void Run(IProgress<TrainingProgress> progress, CancellationToken cancellationToken)
    {
        Directory.CreateDirectory(options.WorkFolder);
        var data = NanoData.Read(options.DataFolder);
        var vocabulary = BytePairTrainer.Train(NanoCorpus.VocabularyTexts(data, VocabularySeed), VocabularySize);
        if (vocabulary.Count != VocabularySize)
            throw new InvalidDataException($"the data gives {vocabulary.Count} tokens where {VocabularySize} are needed");

        using var device = new TrainingDevice(options.Threads);
        using var trainer = new Trainer(device, Training, new NanoCorpus(data, vocabulary, CorpusSeed));
        var questions = new NanoQuestions(data, vocabulary);
        new TrainingRun(trainer, new TrainingRunOptions(Path.Combine(options.WorkFolder, "formation-nano.ckpt")), clock)
            .Run(() => Evaluate(trainer.Model, questions), progress, cancellationToken);
    }

    private static string Evaluate(LanguageModel model, NanoQuestions questions)
    {
        double Share(IReadOnlyList<TrainingDocument> documents) =>
            ExactAnswers.Check(model, documents, EvaluationRows).Average(exact => exact ? 100.0 : 0.0);
        return string.Create(
            CultureInfo.InvariantCulture,
            $"exact answers: definitions {Share(questions.Definitions(100, 99)):F0} %, made-up words {Share(questions.MadeUpWords(60, 98)):F0} %, sums {Share(questions.Sums(60, 97)):F0} %, tools {Share(questions.ToolCalls(20, 96)):F0} %");
    }
}
