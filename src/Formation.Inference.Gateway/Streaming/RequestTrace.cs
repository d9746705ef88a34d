using System.Diagnostics;
using Formation.Inference.Gateway.Telemetry;

namespace Formation.Inference.Gateway.Streaming;

/// <summary>
/// The span of one generation, in OpenTelemetry's words for generative AI; at its end the usage goes into span, log and metrics.
/// </summary>
internal sealed class RequestTrace : IDisposable
{
    readonly Activity? _activity;
    readonly RequestRecord _record;
    readonly UsageCount _usage;

    internal RequestTrace(
        GatewayTelemetry telemetry, RequestRecord record, string requestId, string operation, string modelId, UsageCount usage)
    {
        _record = record;
        _usage = usage;
        _activity = telemetry.Activities.StartActivity($"{operation} {modelId}");
        _activity?.SetTag("gen_ai.operation.name", operation)
            .SetTag("gen_ai.request.model", modelId)
            .SetTag("formation.request_id", requestId);
    }

    public void Dispose()
    {
        _record.PromptTokens = _usage.PromptTokens;
        _record.CompletionTokens = _usage.CompletionTokens;
        _activity?.SetTag("gen_ai.usage.input_tokens", _usage.PromptTokens).SetTag("gen_ai.usage.output_tokens", _usage.CompletionTokens);
        if (_record.StreamError is not null)
            _activity?.SetStatus(ActivityStatusCode.Error, _record.StreamError);
        _activity?.Dispose();
    }
}
