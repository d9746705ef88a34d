using System.Collections.Concurrent;
using System.Diagnostics;
using System.Diagnostics.Metrics;
using Formation.Inference.Engine.Scheduling;
using Formation.Inference.Engine.Serving;
using Formation.Inference.Engine.Speculation.Lookup;
using Formation.Inference.Engine.Tests.Speculation;
using Formation.Inference.Kernels.Dispatch;
using Formation.Inference.Kernels.Formats;

namespace Formation.Inference.Engine.Tests.Serving;

public sealed class EngineMetricsTests
{
    [Fact]
    public async Task A_request_leaves_its_counts_and_times()
    {
        var sums = new ConcurrentDictionary<string, double>();
        var counts = new ConcurrentDictionary<string, int>();
        string? kernelFormat = null;
        using var metrics = new EngineMetrics();
        using var listener = new MeterListener
        {
            InstrumentPublished = (instrument, listener) =>
            {
                if (instrument.Meter == metrics.Meter)
                    listener.EnableMeasurementEvents(instrument);
            },
        };
        listener.SetMeasurementEventCallback<long>((instrument, value, tags, _) => Add(instrument.Name, value, tags));
        listener.SetMeasurementEventCallback<int>((instrument, value, tags, _) => kernelFormat = (string?)tags.ToArray().Single(tag => tag.Key == "format").Value);
        listener.SetMeasurementEventCallback<double>((instrument, value, tags, _) => Add(instrument.Name, value, tags));
        listener.Start();

        await using (var harness = new EngineHarness(new SchedulerOptions { MaxRunningSequences = 2 }, metrics: metrics))
        {
            metrics.Register("invented", () => harness.Engine.Statistics, [LinearKernels.Of(TensorType.Q4_K)]);
            await harness.RunAsync(harness.Request(5), EngineHarness.Prompt(40));
            await harness.RunAsync(harness.Request(5), EngineHarness.Prompt(40));
            listener.RecordObservableInstruments();
        }

        Assert.Equal(80, sums["formation.prompt_tokens"]);
        Assert.Equal(10, sums["formation.generation_tokens"]);
        Assert.Equal((80, 32), (sums["formation.prefix_cache_queries"], sums["formation.prefix_cache_hits"]));
        Assert.Equal((2, 8), (counts["formation.time_to_first_token"], counts["formation.time_per_output_token"]));
        Assert.Equal((2, 2), (counts["formation.request_queue_time"], counts["formation.e2e_request_latency"]));
        Assert.Equal(0, sums["formation.num_preemptions"]);
        Assert.Equal(2, sums["formation.request_success"]);
        Assert.Contains("formation.kv_cache_usage_perc", counts.Keys);
        Assert.Contains("formation.num_requests_running", counts.Keys);
        Assert.Contains("formation.num_requests_waiting", counts.Keys);
        Assert.Equal("Q4_K", kernelFormat);

        void Add(string name, double value, ReadOnlySpan<KeyValuePair<string, object?>> tags)
        {
            Assert.Contains(EngineMetrics.ModelTag("invented"), tags.ToArray());
            sums.AddOrUpdate(name, value, (_, sum) => sum + value);
            counts.AddOrUpdate(name, 1, (_, count) => count + 1);
        }
    }

    [Fact]
    public async Task Drafts_leave_their_counts_under_the_name_of_their_method()
    {
        var sums = new ConcurrentDictionary<(string, object?), long>();
        using var metrics = new EngineMetrics();
        using var listener = new MeterListener
        {
            InstrumentPublished = (instrument, listener) =>
            {
                if (instrument.Meter == metrics.Meter && instrument.Name.StartsWith("formation.spec_decode_num", StringComparison.Ordinal))
                    listener.EnableMeasurementEvents(instrument);
            },
        };
        listener.SetMeasurementEventCallback<long>((instrument, value, tags, _) =>
        {
            Assert.Contains(EngineMetrics.ModelTag("invented"), tags.ToArray());
            var method = tags.ToArray().Single(tag => tag.Key == "method").Value;
            sums.AddOrUpdate((instrument.Name, method), value, (_, sum) => sum + value);
        });
        listener.Start();

        await using (var harness = new EngineHarness(metrics: metrics, drafters: [new ConstantDrafter(7), new PromptLookupDrafter()]))
        {
            // One draft of fifteen tokens that are right, then one of a single token that is wrong.
            harness.Model.Head.Adjust = (hash, logits) => logits[7] = 100;
            await harness.RunAsync(harness.Request(17), EngineHarness.Prompt(10));
            harness.Model.Head.Adjust = (hash, logits) => logits[8] = 100;
            await harness.RunAsync(harness.Request(3), EngineHarness.Prompt(10, salt: 1));
        }

        Assert.Equal(2, sums[("formation.spec_decode_num_drafts", "constant")]);
        Assert.Equal(15 + 1, sums[("formation.spec_decode_num_draft_tokens", "constant")]);
        Assert.Equal(15, sums[("formation.spec_decode_num_accepted_tokens", "constant")]);
        Assert.Equal(0, sums[("formation.spec_decode_num_drafts", "lookup")]);
    }

    [Fact]
    public async Task A_request_leaves_spans_under_its_callers_span_and_with_no_text()
    {
        var spans = new ConcurrentQueue<Activity>();
        using var source = new ActivitySource("tests.engine");
        using var listener = new ActivityListener
        {
            ShouldListenTo = candidate => candidate.Name == EngineMetrics.Name || candidate == source,
            Sample = (ref ActivityCreationOptions<ActivityContext> _) => ActivitySamplingResult.AllDataAndRecorded,
            ActivityStopped = span => spans.Enqueue(span),
        };
        ActivitySource.AddActivityListener(listener);

        ActivityTraceId trace;
        await using (var harness = new EngineHarness())
        {
            using var caller = source.StartActivity("caller");
            trace = caller!.TraceId;
            await harness.RunAsync(harness.Request(3), EngineHarness.Prompt(5));
        }

        var own = spans.Where(span => span.TraceId == trace && span.Source.Name == EngineMetrics.Name).ToList();
        Assert.Equal(["queue", "prefill", "decode"], own.Select(span => span.OperationName));
        Assert.All(own, span => Assert.Equal(["model_name", "request.id"], span.Tags.Select(tag => tag.Key).Order()));
        Assert.True(own[0].StartTimeUtc <= own[1].StartTimeUtc && own[1].StartTimeUtc <= own[2].StartTimeUtc);
    }
}
