using Microsoft.AspNetCore.Http;

namespace Formation.Inference.Gateway.Telemetry;

/// <summary>What the log, the metrics and the trace say of one request. Holds no text of it.</summary>
internal sealed class RequestRecord
{
    /// <summary>The model, once it is known to be one of this server's; a name that a caller made up never gets here.</summary>
    public string? Model { get; set; }

    public int PromptTokens { get; set; }

    public int CompletionTokens { get; set; }

    /// <summary>What ended a stream before its end: an error's code, or <c>client_closed_request</c>, <c>client_too_slow</c>; null where nothing did.</summary>
    public string? StreamError { get; set; }

    internal static RequestRecord Of(HttpContext context) =>
        context.Features.Get<RequestRecord>() ?? throw new InvalidOperationException("The request passed no ObservationMiddleware.");
}
