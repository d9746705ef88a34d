using System.Diagnostics;
using Formation.Inference.Engine.Stages;

namespace Formation.Inference.Node.Stages.Serving;

/// <summary>
/// The traced sequences of a head, and the span that a stage makes for each: from the first batch with rows of it to its end. It tells how many
/// batches and rows there were, and how long they waited and were computed; of what they say it knows nothing. Safe from any thread.
/// </summary>
/// <param name="layers">The stage's.</param>
/// <param name="clock">Measures.</param>
internal sealed class StageTraces(LayerRange layers, TimeProvider clock)
{
    /// <summary>Sequences that are traced at once; further ones are passed over, so that no head fills a stage's memory.</summary>
    public const int Most = 4096;

    readonly Lock _lock = new();
    readonly Dictionary<long, Traced> _traced = [];
    volatile bool _isEmpty = true;

    /// <summary>Whether anybody in this process takes spans.</summary>
    public static bool AreWanted => NodeTraces.Source.HasListeners();

    /// <summary>Sequences that are traced now.</summary>
    public int Count
    {
        get
        {
            lock (_lock)
                return _traced.Count;
        }
    }

    /// <summary>Notes that a sequence is traced; where it is already, nothing changes.</summary>
    public void Begin(long sequenceId, ActivityContext parent)
    {
        lock (_lock)
        {
            if (_traced.Count < Most)
                _traced.TryAdd(sequenceId, new Traced(parent));
            _isEmpty = false;
        }
    }

    /// <summary>Ends a sequence's span.</summary>
    public void End(long sequenceId)
    {
        Traced? traced;
        lock (_lock)
        {
            _traced.Remove(sequenceId, out traced);
            _isEmpty = _traced.Count == 0;
        }
        if (traced is not null)
            Tell(traced);
    }

    /// <summary>Ends all spans: the head that could end them is gone.</summary>
    public void EndAll()
    {
        Traced[] all;
        lock (_lock)
        {
            all = [.. _traced.Values];
            _traced.Clear();
            _isEmpty = true;
        }
        foreach (var traced in all)
            Tell(traced);
    }

    /// <summary>A time stamp for <see cref="Computed"/>, or 0 where nothing is traced.</summary>
    public long Now() => _isEmpty ? 0 : clock.GetTimestamp();

    /// <summary>Notes a batch that was computed just now.</summary>
    /// <param name="batch">Which.</param>
    /// <param name="arrived">When it had come completely.</param>
    /// <param name="began">When its computation began.</param>
    public void Computed(Batch batch, long arrived, long began)
    {
        if (_isEmpty || arrived == 0 || began == 0)
            return;
        var (waited, computed) = (clock.GetElapsedTime(arrived, began), clock.GetElapsedTime(began));
        lock (_lock)
        {
            for (var i = 0; i < batch.Slices.Count; i++)
                if (_traced.TryGetValue(batch.Slices[i].SequenceId, out var traced))
                    traced.Add(batch.Slices[i].RowCount, waited, computed, clock);
        }
    }

    // Made when all is known, as the engine's spans are: a span that is open on the computing thread would become the parent of foreign work.
    void Tell(Traced traced)
    {
        if (traced.FirstBatchAt is not { } start)
            return;
        using var span = NodeTraces.Source.StartActivity("stage", ActivityKind.Server, traced.Parent, startTime: start);
        span?.SetTag("stage.first_layer", layers.First)
            .SetTag("stage.layers", layers.Count)
            .SetTag("stage.batches", traced.Batches)
            .SetTag("stage.rows", traced.Rows)
            .SetTag("stage.compute_seconds", traced.ComputeTime.TotalSeconds)
            .SetTag("stage.wait_seconds", traced.WaitTime.TotalSeconds)
            .SetEndTime(clock.GetUtcNow().UtcDateTime);
    }

    /// <summary>A sequence and what the stage did for it. Changed under the lock.</summary>
    sealed class Traced(ActivityContext parent)
    {
        public ActivityContext Parent => parent;

        public DateTimeOffset? FirstBatchAt { get; private set; }

        public long Batches { get; private set; }

        public long Rows { get; private set; }

        public TimeSpan ComputeTime { get; private set; }

        public TimeSpan WaitTime { get; private set; }

        public void Add(int rows, TimeSpan waited, TimeSpan computed, TimeProvider clock)
        {
            FirstBatchAt ??= clock.GetUtcNow() - computed - waited;
            Batches++;
            Rows += rows;
            ComputeTime += computed;
            WaitTime += waited;
        }
    }
}
