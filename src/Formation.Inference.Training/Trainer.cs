using Formation.Inference.Training.Layers;
using Formation.Inference.Training.Optimization;

namespace Formation.Inference.Training;

/// <summary>What one step did.</summary>
/// <param name="Step">Its number, from 1.</param>
/// <param name="Rows">Rows of the step.</param>
/// <param name="Loss">Mean loss of its loss rows before the update, in nats.</param>
/// <param name="GradientNorm">Norm of all gradients before clipping.</param>
/// <param name="LearningRate">The step's learning rate.</param>
public sealed record StepReport(int Step, int Rows, double Loss, double GradientNorm, double LearningRate);

/// <summary>Trains a model step by step: documents are laid together up to the step's size, one pass, one update.</summary>
public sealed class Trainer : IDisposable
{
    private readonly IDocumentSource _source;
    private readonly LearningRateSchedule _schedule;

    public Trainer(TrainingDevice device, TrainingOptions options, IDocumentSource source)
    {
        Options = options;
        _source = source;
        _schedule = options.Schedule;
        Model = new LanguageModel(device, options.Shape, options.StepTokens + options.Shape.Context);
        Model.Initialize(new SeededRandom(options.Seed));
        Optimizer = new AdamW(device, Model.Parameters, options.Optimizer);
    }

    public TrainingOptions Options { get; }

    public LanguageModel Model { get; }

    /// <summary>Rows seen so far.</summary>
    public long Tokens { get; internal set; }

    /// <summary>Whether the run has seen all its rows.</summary>
    public bool IsDone => Tokens >= Options.TotalTokens;

    internal AdamW Optimizer { get; }

    internal IDocumentSource Source => _source;

    /// <summary>One step.</summary>
    public StepReport Step()
    {
        List<TrainingDocument> documents = [];
        for (var rows = 0; rows < Options.StepTokens;)
        {
            var document = _source.Next();
            documents.Add(document);
            rows += StepBatch.RowsOf(document);
        }

        var batch = StepBatch.Of(documents);
        var rate = _schedule.At(Tokens);
        var result = Model.Pass(batch, learn: true);
        var norm = Optimizer.Step(rate);
        Tokens += batch.Tokens.Length;
        return new StepReport(Optimizer.Steps, batch.Tokens.Length, result.MeanLoss, norm, rate);
    }

    public void Dispose()
    {
        Optimizer.Dispose();
        Model.Dispose();
    }
}
