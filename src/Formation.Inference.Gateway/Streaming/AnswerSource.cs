using Formation.Inference.Gateway.Errors;
using Formation.Inference.Gateway.Requests;
using Formation.Inference.Gateway.Telemetry;
using Microsoft.AspNetCore.Http;

namespace Formation.Inference.Gateway.Streaming;

/// <summary>Begins an answer: finds the model, makes the answer's id, and opens its span in the trace.</summary>
internal sealed class AnswerSource(IModelCatalog catalog, RequestIds ids, GatewayTelemetry telemetry)
{
    /// <summary>The model that a request names, which is noted for the log and the metrics.</summary>
    /// <exception cref="ApiErrorException">There is no such model (404).</exception>
    internal ModelDescription FindModel(HttpContext context, string modelId) => FindModel(RequestRecord.Of(context), modelId);

    /// <inheritdoc cref="FindModel(HttpContext, string)"/>
    internal ModelDescription FindModel(RequestRecord record, string modelId)
    {
        ModelDescription model = catalog.Find(modelId)
            ?? throw new ApiErrorException(ApiErrors.ModelNotFound(ParameterChecks.Shorten(modelId)));
        record.Model = model.Id;
        return model;
    }

    /// <summary>An id for an answer.</summary>
    internal string CreateId(string prefix) => prefix + ids.Create();

    internal RequestTrace Trace(HttpContext context, string operation, string modelId, UsageCount usage) =>
        Trace(RequestRecord.Of(context), context.TraceIdentifier, operation, modelId, usage);

    /// <summary>The span of a generation whose request has ended already.</summary>
    internal RequestTrace Trace(RequestRecord record, string requestId, string operation, string modelId, UsageCount usage) =>
        new(telemetry, record, requestId, operation, modelId, usage);
}
