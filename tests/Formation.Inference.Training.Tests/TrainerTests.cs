using Formation.Inference.Testing.Files;
using Formation.Inference.Training.Layers;
using Formation.Inference.Training.Optimization;

namespace Formation.Inference.Training.Tests;

public sealed class TrainerTests : IDisposable
{
    private static readonly TrainingOptions Options = new(
        new ModelShape(Vocabulary: 24, Width: 32, Blocks: 2, Heads: 4, KeyHeads: 2, FeedForward: 48, Context: 32),
        StepTokens: 60, TotalTokens: 60 * 150, PeakLearningRate: 1e-2, WarmUpTokens: 300, DecayTokens: 3000,
        SecondCycleTokens: 0, new AdamWOptions(), Seed: 4);

    private readonly TemporaryDirectory _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void A_small_model_learns_its_documents_by_heart()
    {
        using var device = new TrainingDevice(2);
        var source = new FixedDocuments();
        using var trainer = new Trainer(device, Options, source);
        Assert.DoesNotContain(true, ExactAnswers.Check(trainer.Model, source.All, 60));

        var last = trainer.Step();
        while (!trainer.IsDone)
            last = trainer.Step();

        Assert.True(last.Loss < 0.05, $"loss {last.Loss}");
        Assert.All(ExactAnswers.Check(trainer.Model, source.All, 60), Assert.True);
    }

    [Fact]
    public void A_run_continued_from_its_checkpoint_gives_the_same_bits_as_one_that_was_not_stopped()
    {
        var path = _folder.File("run.ckpt");
        using TrainingDevice one = new(1), two = new(2);
        using var whole = new Trainer(one, Options, new FixedDocuments());
        for (var i = 0; i < 9; i++)
            whole.Step();

        using (var first = new Trainer(two, Options, new FixedDocuments()))
        {
            for (var i = 0; i < 4; i++)
                first.Step();
            Checkpoint.Save(first, path);
        }
        using var second = new Trainer(two, Options, new FixedDocuments());
        Checkpoint.Load(second, path);
        for (var i = 0; i < 5; i++)
            second.Step();

        Assert.Equal(whole.Tokens, second.Tokens);
        Assert.Equal(Weights(whole), Weights(second));
    }

    [Fact]
    public void A_checkpoint_of_other_options_is_refused()
    {
        var path = _folder.File("run.ckpt");
        using var device = new TrainingDevice(1);
        using var trainer = new Trainer(device, Options, new FixedDocuments());
        Checkpoint.Save(trainer, path);
        using var other = new Trainer(device, Options with { PeakLearningRate = 1e-3 }, new FixedDocuments());

        var error = Assert.Throws<InvalidDataException>(() => Checkpoint.Load(other, path));

        Assert.Contains("another run", error.Message);
    }

    [Fact]
    public void A_longer_run_may_go_on_from_a_shorter_ones_checkpoint()
    {
        var path = _folder.File("run.ckpt");
        using var device = new TrainingDevice(1);
        using var trainer = new Trainer(device, Options, new FixedDocuments());
        trainer.Step();
        Checkpoint.Save(trainer, path);
        using var longer = new Trainer(device, Options with { TotalTokens = 1_000_000 }, new FixedDocuments());

        Checkpoint.Load(longer, path);

        Assert.Equal(trainer.Tokens, longer.Tokens);
    }

    [Theory]
    [InlineData(0)]
    [InlineData(3)]
    [InlineData(40)]
    [InlineData(5000)]
    public void A_truncated_checkpoint_is_refused(int length)
    {
        var path = _folder.File("run.ckpt");
        using var device = new TrainingDevice(1);
        using var trainer = new Trainer(device, Options, new FixedDocuments());
        Checkpoint.Save(trainer, path);
        using (var stream = File.OpenWrite(path))
            stream.SetLength(length);

        Assert.Throws<InvalidDataException>(() => Checkpoint.Load(trainer, path));
    }

    [Fact]
    public void A_run_that_is_stopped_saves_and_the_next_one_finishes_it()
    {
        var options = Options with { TotalTokens = 60 * 12, DecayTokens = 300 };
        var runOptions = new TrainingRunOptions(_folder.File("run.ckpt"), ReportSteps: 2, CheckpointSteps: 100, EvaluationSteps: 4);
        using var device = new TrainingDevice(1);
        using var stop = new CancellationTokenSource();
        var reports = new List<TrainingProgress>();
        using (var first = new Trainer(device, options, new FixedDocuments()))
        {
            var progress = new Reports(report =>
            {
                reports.Add(report);
                stop.Cancel();
            });
            Assert.Throws<OperationCanceledException>(
                () => new TrainingRun(first, runOptions, TimeProvider.System).Run(() => "fine", progress, stop.Token));
        }

        using var second = new Trainer(device, options, new FixedDocuments());
        new TrainingRun(second, runOptions, TimeProvider.System).Run(() => "fine", new Reports(reports.Add), CancellationToken.None);

        Assert.True(second.IsDone);
        Assert.Equal(2, reports[0].Step);
        Assert.Contains(reports, report => report.Note == "fine");
        Assert.Contains("loss", reports[0].ToString());
    }

    private static float[] Weights(Trainer trainer) => [.. trainer.Model.Parameters.SelectMany(p => p.Value.Values.ToArray())];

    private sealed class Reports(Action<TrainingProgress> receive) : IProgress<TrainingProgress>
    {
        public void Report(TrainingProgress value) => receive(value);
    }

    /// <summary>Twelve random documents in random order, again and again; the first tokens of each are its name.</summary>
    private sealed class FixedDocuments : IDocumentSource
    {
        private SeededRandom _random = new(11);
        private long _dealt;

        public List<TrainingDocument> All { get; } = Make();

        public DocumentSourceState State
        {
            get => new(_random.State, _dealt);
            set => (_random, _dealt) = (new SeededRandom(value.Random), value.Position);
        }

        public TrainingDocument Next()
        {
            _dealt++;
            return _random.Pick(All);
        }

        private static List<TrainingDocument> Make()
        {
            var random = new SeededRandom(12);
            return [.. Enumerable.Range(0, 12).Select(name => new TrainingDocument(
                [name, .. Enumerable.Range(0, random.Between(4, 12)).Select(_ => random.Next(24))],
                [false, .. Enumerable.Repeat(true, 64)]))
                .Select(d => d with { Learn = d.Learn[..d.Tokens.Length] })];
        }
    }
}
