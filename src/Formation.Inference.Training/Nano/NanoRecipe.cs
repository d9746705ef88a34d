using Formation.Inference.Training.Export;
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

    /// <summary>The model's sides and how it is trained.</summary>
    public static TrainingOptions Training { get; } = new(
        new ModelShape(VocabularySize, Width: 256, Blocks: 6, Heads: 8, KeyHeads: 4, FeedForward: 704, Context: 1024),
        StepTokens: 1024, TotalTokens: 8_000_000, PeakLearningRate: 2e-3, WarmUpTokens: 100_000, DecayTokens: 2_000_000,
        SecondCycleTokens: 1_800_000, new AdamWOptions(), Seed: 3);

    /// <summary>What the model's file says about the model.</summary>
    public static ModelCard Card { get; } = new(
        "formation-nano",
        "A small English model that defines common nouns, answers questions about Formation Inference Engine and does small sums.",
        "other", "WordNet 3.0 License for the definitions", ChatFormat.Template);

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
        var vocabulary = LearnVocabulary(data);
        var questions = new NanoQuestions(data, vocabulary);
        using var device = new TrainingDevice(options.Threads);
        using var trainer = new Trainer(device, Training, new NanoCorpus(data, vocabulary, CorpusSeed));
        var run = new TrainingRun(trainer, new TrainingRunOptions(Path.Combine(options.WorkFolder, "formation-nano.ckpt")), clock);

        run.Run(() => "exact answers: " + string.Join(", ", NanoEvaluation.Sample(trainer.Model, questions)), progress, cancellationToken);
        GgufExport.Quantize(trainer.Model);
        GgufExport.Write(options.OutputPath, trainer.Model, vocabulary, Card);
        foreach (var score in NanoEvaluation.Run(trainer.Model, questions))
            progress.Report(run.Note(score.ToString()));
    }

    /// <summary>The vocabulary, which the data alone decides.</summary>
    /// <exception cref="InvalidDataException">The data has too few different words.</exception>
    internal static BytePairVocabulary LearnVocabulary(NanoData data)
    {
        var vocabulary = BytePairTrainer.Train(NanoCorpus.VocabularyTexts(data, VocabularySeed), VocabularySize);
        return vocabulary.Count == VocabularySize
            ? vocabulary
            : throw new InvalidDataException($"the data gives {vocabulary.Count} tokens where {VocabularySize} are needed");
    }
}
