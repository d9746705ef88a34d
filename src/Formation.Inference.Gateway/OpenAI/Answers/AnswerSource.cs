using Formation.Inference.Gateway.Errors;
using Formation.Inference.Gateway.Requests;
using Formation.Inference.Gateway.Telemetry;
using Microsoft.AspNetCore.Http;

namespace Formation.Inference.Gateway.OpenAI.Answers;

/// <summary>Begins an answer: finds the model, makes the answer's id, and opens its span in the trace.</summary>
internal sealed class AnswerSource(GatewayOptions options, IModelCatalog catalog, RequestIds ids, GatewayTelemetry telemetry)
{
    /// <exception cref="ApiErrorException">There is no such model (404).</exception>
    internal AnswerHeader Create(HttpContext context, string idPrefix, string modelId)
    {
        ModelDescription model = catalog.Find(modelId)
            ?? throw new ApiErrorException(ApiErrors.ModelNotFound(ParameterChecks.Shorten(modelId)));
        RequestRecord.Of(context).Model = model.Id;
        return AnswerHeader.Create(idPrefix + ids.Create(), options.Clock.GetUtcNow(), model);
    }

    internal RequestTrace Trace(HttpContext context, string operation, string modelId, UsageCount usage) =>
        new(telemetry, RequestRecord.Of(context), context.TraceIdentifier, operation, modelId, usage);
}
