namespace Formation.Inference;

/// <summary>
/// What a request's reader has got already from an engine that was lost, so that another one goes on behind it with exactly the tokens that
/// the first would have drawn. Everything else of the request must be the same as before; what the first engine chose itself (the seed, the
/// time that a template shows, the token limit) must have been fixed.
/// </summary>
/// <param name="Choices">One for each choice of the request, in their order.</param>
/// <remarks>
/// The stream of a continued request begins with a <see cref="GenerationStarted"/> as every stream does, and goes on with what was not
/// delivered: no text, token or end of a choice comes twice. Counts in its events are those of the whole request.
/// </remarks>
public sealed record Continuation(IReadOnlyList<ContinuedChoice> Choices);

/// <summary>How far one choice has come.</summary>
public sealed record ContinuedChoice
{
    /// <summary>All <see cref="GenerationDelta.TokenIds"/> of the choice, in their order.</summary>
    public IReadOnlyList<int> TokenIds { get; init; } = [];

    /// <summary>
    /// Length of all its text, in UTF-16 code units, echo left out. It may reach into the token behind <see cref="TokenIds"/>.
    /// </summary>
    public int TextLength { get; init; }

    /// <summary>Whether its echo was delivered.</summary>
    public bool IsEchoed { get; init; }

    /// <summary>Whether its <see cref="GenerationFinished"/> was delivered; then nothing else of it counts.</summary>
    public bool IsFinished { get; init; }
}
