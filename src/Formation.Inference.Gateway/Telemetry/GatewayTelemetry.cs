using System.Diagnostics;
using System.Diagnostics.Metrics;

namespace Formation.Inference.Gateway.Telemetry;

/// <summary>
/// The gateway's instruments. The Prometheus exporter turns dots into underscores and adds the unit and <c>_total</c>:
/// <c>formation_http_requests_total</c>, <c>formation_http_request_duration_seconds</c>, <c>formation_http_requests_active</c>.
/// </summary>
internal sealed class GatewayTelemetry : IDisposable
{
    /// <summary>Name of the gateway's meter and of its activity source.</summary>
    internal const string Name = "Formation.Inference.Gateway";

    /// <summary>Name of the engine's meter and of its activity source; the gateway exports them and knows no more of them.</summary>
    internal const string EngineName = "Formation.Inference.Engine";

    /// <summary>The same of models that nodes serve: their deployments, and requests to their heads.</summary>
    internal const string ClusterName = "Formation.Inference.Cluster";

    readonly Meter _meter;
    readonly Counter<long> _requests;
    readonly UpDownCounter<long> _active;
    readonly Histogram<double> _duration;

    public GatewayTelemetry(IMeterFactory meters)
    {
        _meter = meters.Create(Name);
        _requests = _meter.CreateCounter<long>("formation.http.requests", "{request}", "Requests answered, by route, status and model.");
        _active = _meter.CreateUpDownCounter<long>("formation.http.requests.active", "{request}", "Requests in progress.");
        _duration = _meter.CreateHistogram(
            "formation.http.request.duration", "s", "Time from a request's headers to the end of its answer.",
            advice: new InstrumentAdvice<double>
            {
                HistogramBucketBoundaries = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 300],
            });
    }

    /// <summary>Spans of the request path. Costs nothing while nobody listens.</summary>
    internal ActivitySource Activities { get; } = new(Name);

    internal void RequestStarted() => _active.Add(1);

    /// <param name="route">The route's pattern, empty where there is none.</param>
    /// <param name="status">The HTTP status.</param>
    /// <param name="record">What the handler noted.</param>
    /// <param name="duration">From the headers to the end of the answer.</param>
    internal void RequestEnded(string route, int status, RequestRecord record, TimeSpan duration)
    {
        _active.Add(-1);
        var tags = new TagList
        {
            { "route", route }, { "status", status }, { "model_name", record.Model ?? "" }, { "stream_error", record.StreamError ?? "" },
        };
        _requests.Add(1, tags);
        _duration.Record(duration.TotalSeconds, tags);
    }

    public void Dispose()
    {
        Activities.Dispose();
        _meter.Dispose();
    }
}
