using Formation.Inference.Gateway.Errors;
using Microsoft.AspNetCore.Http;

namespace Formation.Inference.Gateway.Streaming;

/// <summary>Steps 4 to 9 of the request path for vectors, in no dialect: has a model embed its inputs, within a span of the trace.</summary>
internal sealed class EmbeddingSource(IInferenceBackend backend, AnswerSource answers)
{
    /// <param name="context">The request.</param>
    /// <param name="request">The same as the engine runs it.</param>
    /// <param name="toApiError">A failure in the dialect's words.</param>
    /// <exception cref="ApiErrorException">The model does not embed these inputs.</exception>
    internal async Task<EmbeddingAnswer> EmbedAsync(HttpContext context, EmbeddingRequest request, Func<GenerationError, ApiError> toApiError)
    {
        var usage = new UsageCount(0);
        using RequestTrace trace = answers.Trace(context, "embeddings", request.ModelId, usage);
        Outcome<EmbeddingAnswer> outcome = await backend.EmbedAsync(request, context.RequestAborted);
        if (outcome.Error is { } error)
            throw new ApiErrorException(toApiError(error));
        usage.AddPromptTokens(outcome.Value!.TokenCount);
        return outcome.Value;
    }
}
