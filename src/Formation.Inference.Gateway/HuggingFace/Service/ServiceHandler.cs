using Formation.Inference.Gateway.Errors;
using Formation.Inference.Gateway.Health;
using Formation.Inference.Gateway.HuggingFace.Errors;
using Formation.Inference.Gateway.HuggingFace.Models;
using Formation.Inference.Gateway.HuggingFace.TextGeneration;
using Formation.Inference.Gateway.Requests;
using Formation.Inference.Gateway.Streaming;
using Microsoft.AspNetCore.Http;

namespace Formation.Inference.Gateway.HuggingFace.Service;

/// <summary><c>GET /info</c> and <c>/health</c>.</summary>
internal sealed class ServiceHandler(GatewayOptions options, IModelCatalog catalog, ModelChoice models)
{
    const string Router = "formation-inference-engine";
    static readonly string Version = typeof(ServiceHandler).Assembly.GetName().Version!.ToString(3);

    internal Task DescribeGenerationAsync(HttpContext context)
    {
        ModelDescription model = Find(context);
        var info = new GenerationInfo(
            model.Id,
            null,
            "text-generation",
            options.MaxConcurrentRequests,
            GenerateMapping.MaxBestOf,
            ParameterChecks.MaxStopStrings,
            model.ContextLength - 1,
            model.ContextLength,
            Environment.ProcessorCount,
            1,
            Router,
            Version,
            null,
            null);
        return WholeAnswer.WriteAsync(context, info, HuggingFaceJsonContext.Answers.GenerationInfo);
    }

    internal Task DescribeEmbeddingAsync(HttpContext context)
    {
        ModelDescription model = Find(context);
        var info = new EmbeddingInfo(
            model.Id,
            null,
            "float32",
            model.Id,
            new EmbeddingModelType(new EmbeddingPooling("model")),
            options.MaxConcurrentRequests,
            model.Embedding?.MaxTokens ?? model.ContextLength,
            EmbeddingRequest.MaxTokens,
            null,
            EmbeddingRequest.MaxInputs,
            false,
            Environment.ProcessorCount,
            Version,
            null,
            null);
        return WholeAnswer.WriteAsync(context, info, HuggingFaceJsonContext.Answers.EmbeddingInfo);
    }

    /// <summary>Nothing where the server can serve, an error where it can't yet or any more. Needs no key, so it says nothing of any model.</summary>
    internal static Task HealthAsync(HttpContext context)
    {
        context.Response.Headers.CacheControl = "no-store";
        if (HealthEndpoints.IsReady(context.RequestServices))
            return Task.CompletedTask;
        context.Response.StatusCode = StatusCodes.Status503ServiceUnavailable;
        return WholeAnswer.WriteAsync(context, new HuggingFaceErrorBody("unhealthy", "healthcheck"), HuggingFaceJsonContext.Answers.HuggingFaceErrorBody);
    }

    ModelDescription Find(HttpContext context)
    {
        string id = models.Of(context);
        return catalog.Find(id) ?? throw new ApiErrorException(ApiErrors.ModelNotFound(ParameterChecks.Shorten(id)));
    }
}
