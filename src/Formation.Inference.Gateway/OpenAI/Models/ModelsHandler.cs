using Formation.Inference.Gateway.Errors;
using Formation.Inference.Gateway.Requests;
using Formation.Inference.Gateway.Streaming;
using Microsoft.AspNetCore.Http;

namespace Formation.Inference.Gateway.OpenAI.Models;

/// <summary><c>GET /v1/models</c> and <c>GET /v1/models/{id}</c>.</summary>
internal sealed class ModelsHandler(IModelCatalog catalog)
{
    internal Task ListAsync(HttpContext context) => WholeAnswer.WriteAsync(
        context, new ModelList("list", [.. catalog.List().Select(ModelObject.From)]), OpenAIJsonContext.Answers.ModelList);

    internal Task GetAsync(HttpContext context, string id)
    {
        ModelDescription model = catalog.Find(id) ?? throw new ApiErrorException(ApiErrors.ModelNotFound(ParameterChecks.Shorten(id)));
        return WholeAnswer.WriteAsync(context, ModelObject.From(model), OpenAIJsonContext.Answers.ModelObject);
    }
}
