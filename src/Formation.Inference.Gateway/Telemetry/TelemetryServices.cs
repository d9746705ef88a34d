using System.Diagnostics.Metrics;
using Microsoft.Extensions.DependencyInjection;
using OpenTelemetry;
using OpenTelemetry.Metrics;
using OpenTelemetry.Trace;

namespace Formation.Inference.Gateway.Telemetry;

/// <summary>Metrics for Prometheus always; traces over OTLP where the operator names an endpoint.</summary>
internal static class TelemetryServices
{
    internal static void AddTelemetry(this IServiceCollection services, GatewayOptions options)
    {
        services.AddSingleton<GatewayTelemetry>();
        services.AddSingleton(RequestIds.Random);
        OpenTelemetryBuilder telemetry = services.AddOpenTelemetry()
            .ConfigureResource(TraceExport.Describe)
            .WithMetrics(metrics => metrics
            .AddMeter(GatewayTelemetry.Name, GatewayTelemetry.EngineName, GatewayTelemetry.ClusterName, "System.Runtime")
            .AddPrometheusExporter(exporter => exporter.ScopeInfoEnabled = false));
        services.ConfigureOpenTelemetryMeterProvider((provider, metrics) => metrics.AddView(OnlyOf(provider.GetRequiredService<IMeterFactory>())));
        if (options.OtlpEndpoint is { } endpoint)
            telemetry.WithTracing(traces => traces
                .AddSource(GatewayTelemetry.Name, GatewayTelemetry.EngineName)
                .AddAspNetCoreInstrumentation()
                .AddExport(endpoint));
    }

    /// <summary>
    /// Meters are heard by name in the whole process: a second server in it would be counted here too, and when it is disposed, the stream
    /// that the two share would end for both. So meters of another server's factory are left out; those of no factory are everybody's.
    /// </summary>
    static Func<Instrument, MetricStreamConfiguration?> OnlyOf(IMeterFactory factory) =>
        instrument => instrument.Meter.Scope is null || ReferenceEquals(instrument.Meter.Scope, factory) ? null : MetricStreamConfiguration.Drop;
}
