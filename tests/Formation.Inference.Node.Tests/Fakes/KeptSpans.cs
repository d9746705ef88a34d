using System.Diagnostics;

namespace Formation.Inference.Node.Tests.Fakes;

/// <summary>Keeps the spans of one trace of this process's heads and stages.</summary>
sealed class KeptSpans : IDisposable
{
    private readonly List<Activity> _spans = [];
    private readonly ActivityListener _listener;

    public KeptSpans()
    {
        _listener = new ActivityListener
        {
            ShouldListenTo = source => source.Name == NodeTraces.Name,
            Sample = (ref ActivityCreationOptions<ActivityContext> _) => ActivitySamplingResult.AllDataAndRecorded,
            ActivityStopped = span =>
            {
                lock (_spans)
                    if (span.TraceId == Parent.TraceId)
                        _spans.Add(span);
            },
        };
        ActivitySource.AddActivityListener(_listener);
    }

    /// <summary>The span that all of them are to belong to.</summary>
    public ActivityContext Parent { get; } = new(ActivityTraceId.CreateRandom(), ActivitySpanId.CreateRandom(), ActivityTraceFlags.Recorded);

    public IReadOnlyList<Activity> All
    {
        get
        {
            lock (_spans)
                return [.. _spans];
        }
    }

    public void Dispose() => _listener.Dispose();
}
