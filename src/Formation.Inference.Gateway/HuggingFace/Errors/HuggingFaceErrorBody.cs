using System.Text.Json.Serialization;
using Formation.Inference.Gateway.Errors;

namespace Formation.Inference.Gateway.HuggingFace.Errors;

/// <summary>The error object of Hugging Face's services: the body of every answer that is not a success, and the last event of a stream that fails.</summary>
/// <param name="Error">For people: which value, which limit, what to do.</param>
/// <param name="ErrorType">The class of error.</param>
internal sealed record HuggingFaceErrorBody(string Error, string ErrorType)
{
    /// <summary>Seconds after which a model that is loading may be there; only while it loads.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public double? EstimatedTime { get; init; }

    internal static HuggingFaceErrorBody From(ApiError error, bool isOfEmbedding) => new(
        HuggingFaceErrors.StatusFor(error) == 422 ? $"Input validation error: {error.Message}" : error.Message,
        isOfEmbedding ? HuggingFaceErrors.EmbeddingTypeOf(error) : HuggingFaceErrors.GenerationTypeOf(error))
    {
        EstimatedTime = error.Code == HuggingFaceErrors.Loading ? error.RetryAfter?.TotalSeconds : null,
    };
}
