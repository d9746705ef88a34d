namespace Formation.Inference;

/// <summary>
/// The models that a caller can name, and how far each is from serving. Safe to call from any thread; never blocks on a load.
/// </summary>
public interface IModelCatalog
{
    /// <summary>All models, ordered by id (ordinal).</summary>
    IReadOnlyList<ModelDescription> List();

    /// <summary>The model with this id, or null.</summary>
    ModelDescription? Find(string modelId);
}

/// <summary>What the catalogue says of one model.</summary>
/// <param name="Id">The id that requests name.</param>
/// <param name="Created">When the weights file was last written (UTC).</param>
/// <param name="OwnedBy">The name shown as the owner.</param>
/// <param name="ContextLength">Tokens that prompt and completion may have together, or null while that is unknown.</param>
/// <param name="ParameterCount">Number of weights, or null while that is unknown.</param>
/// <param name="State">Whether the model is loaded.</param>
/// <param name="LoadProgress">0 to 1 while <see cref="ModelState.Loading"/>, 1 when ready, else 0.</param>
public sealed record ModelDescription(
    string Id,
    DateTimeOffset Created,
    string OwnedBy,
    int? ContextLength,
    long? ParameterCount,
    ModelState State,
    double LoadProgress)
{
    /// <summary>
    /// What it gives and takes where it embeds (<see cref="IInferenceBackend.EmbedAsync"/>); null where it does not, and, as
    /// <see cref="ContextLength"/>, while that is unknown.
    /// </summary>
    public EmbeddingTraits? Embedding { get; init; }

    /// <summary>What else it can do; null while that is unknown: before its first load, where this process serves it.</summary>
    public ModelAbilities? Abilities { get; init; }
}

/// <summary>What a model's own template and vocabulary let it do. Every model continues texts and is held to formats.</summary>
/// <param name="Chats">Whether it answers conversations, with tools and without: its template works, or it has none and gets the usual one.</param>
/// <param name="Thinks">Whether it has a train of thought before its answers (<see cref="ReasoningSyntax"/>).</param>
/// <param name="TakesEffort">Whether its template tells it how much effort it is to make.</param>
/// <param name="FillsGaps">Whether it takes an <see cref="InfillPrompt"/>.</param>
public sealed record ModelAbilities(bool Chats, bool Thinks, bool TakesEffort, bool FillsGaps);

/// <summary>What a model's embeddings are.</summary>
/// <param name="Width">Values of a vector.</param>
/// <param name="MaxTokens">Tokens that an input may have, those that the vocabulary adds included.</param>
public sealed record EmbeddingTraits(int Width, int MaxTokens);

/// <summary>How far a model is from serving.</summary>
public enum ModelState
{
    /// <summary>Known, not in memory; the first request loads it.</summary>
    Available,
    Loading,
    Ready,

    /// <summary>The last load failed; the next request tries again.</summary>
    Failed,
}
