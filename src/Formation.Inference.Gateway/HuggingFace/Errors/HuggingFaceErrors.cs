using Formation.Inference.Gateway.Errors;
using Microsoft.AspNetCore.Http;

namespace Formation.Inference.Gateway.HuggingFace.Errors;

/// <summary>Errors in the words of Hugging Face's services, for whoever asks for their routes.</summary>
internal sealed class HuggingFaceErrors : IErrorDialect
{
    /// <summary>The code of a model that is not loaded and is not waited for.</summary>
    internal const string Loading = "model_loading";

    public bool IsSpokenBy(HttpRequest request) => HuggingFacePaths.Has(request.Path);

    public int StatusOf(ApiError error) => StatusFor(error);

    public Task WriteBodyAsync(HttpContext context, ApiError error) => context.Response.WriteAsJsonAsync(
        HuggingFaceErrorBody.From(error, HuggingFacePaths.IsOfEmbedding(context.Request.Path)),
        HuggingFaceJsonContext.Answers.HuggingFaceErrorBody,
        "application/json",
        context.RequestAborted);

    /// <summary>A failure of the backend as both services tell it.</summary>
    internal static ApiError OfBackend(GenerationError error, Func<string, string?> parameterName) => error.Kind == GenerationErrorKind.Internal
        ? new ApiError(StatusCodes.Status424FailedDependency, ApiError.ServerError, "generation_failed", $"Request failed during generation: {error.Message}")
        : GenerationErrors.ToApiError(error, parameterName);

    /// <summary>What is wrong with a body has the status of a body that was understood and is wrong.</summary>
    internal static int StatusFor(ApiError error) => error.Status == StatusCodes.Status400BadRequest ? StatusCodes.Status422UnprocessableEntity : error.Status;

    /// <summary>Text Generation Inference's types; those of statuses that it has not are named alike.</summary>
    internal static string GenerationTypeOf(ApiError error) => error.Status switch
    {
        StatusCodes.Status401Unauthorized => "unauthorized",
        StatusCodes.Status403Forbidden => "forbidden",
        StatusCodes.Status404NotFound => "not_found",
        StatusCodes.Status405MethodNotAllowed => "method_not_allowed",
        StatusCodes.Status408RequestTimeout => "timeout",
        StatusCodes.Status424FailedDependency => "generation",
        StatusCodes.Status429TooManyRequests or StatusCodes.Status503ServiceUnavailable => "overloaded",
        >= 500 => "incomplete_generation",
        _ => "validation",
    };

    /// <summary>The same for Text Embeddings Inference.</summary>
    internal static string EmbeddingTypeOf(ApiError error) => error.Status switch
    {
        StatusCodes.Status401Unauthorized => "Unauthorized",
        StatusCodes.Status403Forbidden => "Forbidden",
        StatusCodes.Status404NotFound => "NotFound",
        StatusCodes.Status405MethodNotAllowed => "MethodNotAllowed",
        StatusCodes.Status408RequestTimeout => "Timeout",
        StatusCodes.Status429TooManyRequests or StatusCodes.Status503ServiceUnavailable => "Overloaded",
        StatusCodes.Status424FailedDependency or >= 500 => "Backend",
        _ => "Validation",
    };
}
