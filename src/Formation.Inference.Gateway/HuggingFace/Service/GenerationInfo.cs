namespace Formation.Inference.Gateway.HuggingFace.Service;

/// <summary>The answer of <c>GET /info</c> of Text Generation Inference: the model and the limits.</summary>
/// <param name="ModelId">The model's id.</param>
/// <param name="ModelSha">Always null: models here are not of a repository's revision.</param>
/// <param name="ModelPipelineTag">What the model is for.</param>
/// <param name="MaxConcurrentRequests">Requests in progress at once.</param>
/// <param name="MaxBestOf">Texts that may be made for one answer.</param>
/// <param name="MaxStopSequences">Texts that may end an answer.</param>
/// <param name="MaxInputTokens">Tokens of a prompt, or null while that is unknown.</param>
/// <param name="MaxTotalTokens">Tokens of prompt and answer together, or null while that is unknown.</param>
/// <param name="ValidationWorkers">Prompts that are tokenized at once.</param>
/// <param name="MaxClientBatchSize">Prompts of one request.</param>
/// <param name="Router">This server.</param>
/// <param name="Version">Its version.</param>
/// <param name="Sha">Always null.</param>
/// <param name="DockerLabel">Always null.</param>
internal sealed record GenerationInfo(
    string ModelId,
    string? ModelSha,
    string ModelPipelineTag,
    int MaxConcurrentRequests,
    int MaxBestOf,
    int MaxStopSequences,
    int? MaxInputTokens,
    int? MaxTotalTokens,
    int ValidationWorkers,
    int MaxClientBatchSize,
    string Router,
    string Version,
    string? Sha,
    string? DockerLabel);
