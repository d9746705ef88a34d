namespace Formation.Inference.Gateway.HuggingFace.Service;

/// <summary>The answer of <c>GET /tei/info</c>, that of Text Embeddings Inference: the model and the limits.</summary>
/// <param name="ModelId">The model's id.</param>
/// <param name="ModelSha">Always null: models here are not of a repository's revision.</param>
/// <param name="ModelDtype">What vectors are computed in.</param>
/// <param name="ServedModelName">The same as the id.</param>
/// <param name="ModelType">That it embeds.</param>
/// <param name="MaxConcurrentRequests">Requests in progress at once.</param>
/// <param name="MaxInputLength">Tokens of an input, or null while that is unknown.</param>
/// <param name="MaxBatchTokens">Tokens of all inputs of a request.</param>
/// <param name="MaxBatchRequests">Always null: a request is taken apart as there is room.</param>
/// <param name="MaxClientBatchSize">Inputs of a request.</param>
/// <param name="AutoTruncate">Always false: a text is cut only where the request says so.</param>
/// <param name="TokenizationWorkers">Inputs that are tokenized at once.</param>
/// <param name="Version">This server's version.</param>
/// <param name="Sha">Always null.</param>
/// <param name="DockerLabel">Always null.</param>
internal sealed record EmbeddingInfo(
    string ModelId,
    string? ModelSha,
    string ModelDtype,
    string ServedModelName,
    EmbeddingModelType ModelType,
    int MaxConcurrentRequests,
    int? MaxInputLength,
    int MaxBatchTokens,
    int? MaxBatchRequests,
    int MaxClientBatchSize,
    bool AutoTruncate,
    int TokenizationWorkers,
    string Version,
    string? Sha,
    string? DockerLabel);

/// <summary>What kind of model it is.</summary>
internal sealed record EmbeddingModelType(EmbeddingPooling Embedding);

/// <summary>How one vector is made of many: as the model's file says.</summary>
internal sealed record EmbeddingPooling(string Pooling);
