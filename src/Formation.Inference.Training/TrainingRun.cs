namespace Formation.Inference.Training;

/// <summary>Where a run keeps its checkpoint, and how often it does things.</summary>
/// <param name="CheckpointPath">The checkpoint's file; where it exists, the run goes on from it.</param>
/// <param name="ReportSteps">Steps between progress reports.</param>
/// <param name="CheckpointSteps">Steps between checkpoints.</param>
/// <param name="EvaluationSteps">Steps between evaluations.</param>
public sealed record TrainingRunOptions(string CheckpointPath, int ReportSteps = 20, int CheckpointSteps = 250, int EvaluationSteps = 250);

/// <summary>
/// Runs a trainer to its end, with progress, evaluations and checkpoints; a run that was interrupted goes on where it was.
/// </summary>
public sealed class TrainingRun(Trainer trainer, TrainingRunOptions options, TimeProvider clock)
{
    /// <param name="evaluate">Says in a line how good the model is by now.</param>
    /// <param name="progress">Gets the progress.</param>
    /// <param name="cancellationToken">Stops after the current step, with a checkpoint.</param>
    /// <exception cref="OperationCanceledException">The run was stopped; its checkpoint is written.</exception>
    /// <exception cref="InvalidDataException">The checkpoint is another run's.</exception>
    public void Run(Func<string> evaluate, IProgress<TrainingProgress> progress, CancellationToken cancellationToken)
    {
        if (File.Exists(options.CheckpointPath))
            Checkpoint.Load(trainer, options.CheckpointPath);

        var (since, tokens, loss, steps) = (clock.GetTimestamp(), trainer.Tokens, 0.0, 0);
        while (!trainer.IsDone)
        {
            if (cancellationToken.IsCancellationRequested)
            {
                Checkpoint.Save(trainer, options.CheckpointPath);
                cancellationToken.ThrowIfCancellationRequested();
            }

            var step = trainer.Step();
            loss += step.Loss;
            steps++;
            if (step.Step % options.ReportSteps == 0)
            {
                progress.Report(Progress(step, loss / steps, trainer.Tokens - tokens, clock.GetElapsedTime(since)));
                (since, tokens, loss, steps) = (clock.GetTimestamp(), trainer.Tokens, 0.0, 0);
            }
            if (step.Step % options.EvaluationSteps == 0)
                progress.Report(Note(evaluate()));
            if (step.Step % options.CheckpointSteps == 0)
                Checkpoint.Save(trainer, options.CheckpointPath);
        }
        Checkpoint.Save(trainer, options.CheckpointPath);
    }

    /// <summary>A report that only says something.</summary>
    internal TrainingProgress Note(string text) =>
        new(trainer.Optimizer.Steps, trainer.Tokens, trainer.Options.TotalTokens, 0, 0, 0, TimeSpan.Zero, text);

    private TrainingProgress Progress(StepReport step, double loss, long tokens, TimeSpan elapsed)
    {
        var speed = elapsed > TimeSpan.Zero ? tokens / elapsed.TotalSeconds : 0;
        var left = Math.Max(0, trainer.Options.TotalTokens - trainer.Tokens);
        return new TrainingProgress(
            step.Step, trainer.Tokens, trainer.Options.TotalTokens, loss, step.LearningRate, speed,
            speed > 0 ? TimeSpan.FromSeconds(left / speed) : TimeSpan.Zero);
    }
}
