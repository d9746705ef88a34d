namespace Formation.Inference.Training.Nano;

/// <summary>A question and its answer.</summary>
/// <param name="Question">What the user says.</param>
/// <param name="Answer">What the model should say.</param>
/// <param name="Word">The word that was defined, where one was.</param>
public sealed record Exchange(string Question, string Answer, string? Word = null);
