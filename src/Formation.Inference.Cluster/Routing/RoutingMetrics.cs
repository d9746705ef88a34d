using System.Diagnostics.Metrics;

namespace Formation.Inference.Cluster.Routing;

/// <summary>The instruments of requests to heads, tagged with <c>model_name</c>. Times are in seconds.</summary>
public sealed class RoutingMetrics : IDisposable
{
    /// <summary>The name of the meter.</summary>
    public const string Name = "Formation.Inference.Cluster";

    private readonly Meter _meter = new(Name);
    private readonly Counter<long> _losses;
    private readonly Counter<long> _resumptions;
    private readonly Histogram<double> _pauses;

    public RoutingMetrics()
    {
        _losses = _meter.CreateCounter<long>("formation.head_losses", description: "Heads that were lost to a request, by reason.");
        _resumptions = _meter.CreateCounter<long>("formation.requests_resumed", description: "Times that a request went on with another head.");
        _pauses = _meter.CreateHistogram(
            "formation.request_pause_time", "s", "From the loss of a head until another one has taken the request.",
            advice: new InstrumentAdvice<double> { HistogramBucketBoundaries = [0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 20, 30] });
    }

    public void Dispose() => _meter.Dispose();

    internal void NoteLoss(string modelId, HeadLoss loss) =>
        _losses.Add(1, ModelTag(modelId), new("reason", loss.ToString()));

    internal void NoteAccepted(string modelId, TimeSpan? pause)
    {
        if (pause is not { } time)
            return;
        _resumptions.Add(1, ModelTag(modelId));
        _pauses.Record(time.TotalSeconds, ModelTag(modelId));
    }

    private static KeyValuePair<string, object?> ModelTag(string modelId) => new("model_name", modelId);
}
