using Microsoft.AspNetCore.Http;

namespace Formation.Inference.Gateway.Telemetry;

/// <summary>What the log, the metrics and the trace say of one request. Holds no text of it.</summary>
internal sealed class RequestRecord
{
    /// <summary>The model, once it is known to be one of this server's; a name that a caller made up never gets here.</summary>
    public string? Model { get; set; }

    public int PromptTokens { get; set; }

    public int CompletionTokens { get; set; }

    /// <summary>The code of the error that ended a stream after its status was sent, or null.</summary>
    public string? StreamError { get; set; }

    internal static RequestRecord Of(HttpContext context) =>
        context.Features.Get<RequestRecord>() ?? throw new InvalidOperationException("The request passed no ObservationMiddleware.");
}
