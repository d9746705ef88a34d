using System.Globalization;
using OpenTelemetry;
using OpenTelemetry.Exporter;
using OpenTelemetry.Resources;
using OpenTelemetry.Trace;

namespace Formation.Inference.Gateway.Telemetry;

/// <summary>Sends spans over OTLP (gRPC), from the gateway and from processes without one.</summary>
public static class TraceExport
{
    /// <summary>The service's name in metrics and traces.</summary>
    internal const string ServiceName = "formation-inference";

    /// <summary>How long the end of a process may wait for its last spans to leave.</summary>
    private static readonly TimeSpan LastSpans = TimeSpan.FromSeconds(1);

    /// <summary>Sends the spans of these sources until disposed.</summary>
    /// <param name="endpoint">An <c>http</c> or <c>https</c> address that takes OTLP over gRPC.</param>
    /// <param name="sources">Names of sources.</param>
    public static IDisposable Start(Uri endpoint, params string[] sources) => new Running(Sdk.CreateTracerProviderBuilder()
        .ConfigureResource(Describe)
        .AddSource(sources)
        .AddExport(endpoint)
        .Build());

    /// <summary>What all spans and metrics of this process have in common: the processes of one machine are told apart.</summary>
    internal static void Describe(ResourceBuilder resource) => resource.AddService(
        ServiceName,
        serviceInstanceId: string.Create(CultureInfo.InvariantCulture, $"{Environment.MachineName}:{Environment.ProcessId}"));

    internal static TracerProviderBuilder AddExport(this TracerProviderBuilder traces, Uri endpoint) => traces.AddOtlpExporter(exporter =>
    {
        exporter.Endpoint = endpoint;
        exporter.Protocol = OtlpExportProtocol.Grpc;
    });

    private sealed class Running(TracerProvider traces) : IDisposable
    {
        public void Dispose()
        {
            traces.Shutdown((int)LastSpans.TotalMilliseconds);
            traces.Dispose();
        }
    }
}
