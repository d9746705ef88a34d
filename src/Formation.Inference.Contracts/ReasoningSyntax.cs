namespace Formation.Inference;

/// <summary>
/// How a model's train of thought stands in the text of an answer, before what it says: behind <paramref name="Opening"/>, up to the first
/// <paramref name="Closing"/>, and with <paramref name="Gap"/> between that and the rest. An answer may have none.
/// </summary>
/// <param name="Opening">What it begins with, at the very beginning of the text; no white space.</param>
/// <param name="Closing">What it ends with; no white space.</param>
/// <param name="Gap">White space that stands behind the end, or a beginning of it where the model writes less.</param>
public sealed record ReasoningSyntax(string Opening, string Closing, string Gap)
{
    /// <summary>Whether the prompt has the opening already, so that the text begins in the middle of it.</summary>
    public bool IsOpen { get; init; }
}
