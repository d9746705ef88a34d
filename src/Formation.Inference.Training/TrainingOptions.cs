using Formation.Inference.Training.Optimization;

namespace Formation.Inference.Training;

/// <summary>How a model is trained.</summary>
/// <param name="Shape">The model's sides.</param>
/// <param name="StepTokens">Rows at which a step is full; its last document may reach past it.</param>
/// <param name="TotalTokens">Rows of the whole run; the run ends with the step that reaches it.</param>
/// <param name="PeakLearningRate">Highest learning rate.</param>
/// <param name="WarmUpTokens">Rows until the highest rate.</param>
/// <param name="DecayTokens">Rows over which the rate falls at the end of the first cycle.</param>
/// <param name="SecondCycleTokens">Rows of a second cycle at half the rate, at the end; 0 for none.</param>
/// <param name="Optimizer">What AdamW is run with.</param>
/// <param name="Seed">Decides the first weights.</param>
public sealed record TrainingOptions(
    ModelShape Shape, int StepTokens, long TotalTokens, double PeakLearningRate, long WarmUpTokens, long DecayTokens,
    long SecondCycleTokens, AdamWOptions Optimizer, ulong Seed)
{
    /// <summary>The learning rate over the run.</summary>
    public LearningRateSchedule Schedule => new(PeakLearningRate, WarmUpTokens, DecayTokens, TotalTokens, SecondCycleTokens);
}
