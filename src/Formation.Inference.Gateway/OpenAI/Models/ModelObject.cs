namespace Formation.Inference.Gateway.OpenAI.Models;

/// <summary>A model, as OpenAI describes one, and after that what this server knows besides.</summary>
/// <param name="Id">The id that requests name.</param>
/// <param name="Object">Always <c>model</c>.</param>
/// <param name="Created">When its weights file was written, in seconds since 1970.</param>
/// <param name="OwnedBy">Whose it is.</param>
/// <param name="ContextLength">Tokens that prompt and completion may have together, or null while that is unknown.</param>
/// <param name="ParameterCount">Number of weights, or null while that is unknown.</param>
/// <param name="State"><c>available</c> (the first request loads it), <c>loading</c>, <c>ready</c> or <c>failed</c>.</param>
/// <param name="EmbeddingWidth">Values of its embeddings, or null where it makes none and while that is unknown.</param>
/// <param name="MaxModelLen">The same as <paramref name="ContextLength"/>, under the name by which clients of other open servers look for it.</param>
/// <param name="Capabilities">What it can do, in words; null while that is unknown.</param>
internal sealed record ModelObject(
    string Id, string Object, long Created, string OwnedBy, int? ContextLength, long? ParameterCount, string State, int? EmbeddingWidth,
    int? MaxModelLen, IReadOnlyList<string>? Capabilities)
{
    internal static ModelObject From(ModelDescription model) => new(
        model.Id,
        "model",
        model.Created.ToUnixTimeSeconds(),
        model.OwnedBy,
        model.ContextLength,
        model.ParameterCount,
        model.State switch
        {
            ModelState.Available => "available",
            ModelState.Loading => "loading",
            ModelState.Ready => "ready",
            _ => "failed",
        },
        model.Embedding?.Width,
        model.ContextLength,
        model.Abilities is { } abilities ? Words(abilities, model.Embedding is not null) : null);

    // The words that other open servers have for these.
    static string[] Words(ModelAbilities abilities, bool embeds) =>
    [
        "completion",
        .. Where(abilities.Chats, "chat"),
        .. Where(abilities.Chats, "tools"),
        .. Where(abilities.Thinks, "thinking"),
        .. Where(abilities.FillsGaps, "insert"),
        .. Where(embeds, "embedding"),
    ];

    static string[] Where(bool holds, string word) => holds ? [word] : [];
}

/// <summary>The models of this server, ordered by id.</summary>
internal sealed record ModelList(string Object, IReadOnlyList<ModelObject> Data);
