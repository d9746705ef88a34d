using Microsoft.Extensions.DependencyInjection;
using OpenTelemetry;
using OpenTelemetry.Exporter;
using OpenTelemetry.Metrics;
using OpenTelemetry.Resources;
using OpenTelemetry.Trace;

namespace Formation.Inference.Gateway.Telemetry;

/// <summary>Metrics for Prometheus always; traces over OTLP where the operator names an endpoint.</summary>
internal static class TelemetryServices
{
    /// <summary>The service's name in metrics and traces;</summary>
    const string ServiceName = "formation-inference";

    internal static void AddTelemetry(this IServiceCollection services, GatewayOptions options)
    {
        services.AddSingleton<GatewayTelemetry>();
        services.AddSingleton(RequestIds.Random);
        OpenTelemetryBuilder telemetry = services.AddOpenTelemetry()
            .ConfigureResource(resource => resource.AddService(ServiceName))
            .WithMetrics(metrics => metrics
            .AddMeter(GatewayTelemetry.Name, GatewayTelemetry.EngineName, "System.Runtime")
            .AddPrometheusExporter(exporter => exporter.ScopeInfoEnabled = false));
        if (options.OtlpEndpoint is { } endpoint)
            telemetry.WithTracing(traces => traces
                .AddSource(GatewayTelemetry.Name, GatewayTelemetry.EngineName)
                .AddAspNetCoreInstrumentation()
                .AddOtlpExporter(exporter =>
                {
                    exporter.Endpoint = endpoint;
                    exporter.Protocol = OtlpExportProtocol.Grpc;
                }));
    }
}
