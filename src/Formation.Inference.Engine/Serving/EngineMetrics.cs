using System.Collections.Concurrent;
using System.Diagnostics;
using System.Diagnostics.Metrics;
using Formation.Inference.Kernels.Dispatch;

namespace Formation.Inference.Engine.Serving;

/// <summary>
/// The instruments of all engines of a process, named in the manner of vLLM's and tagged with <c>model_name</c>. Times are in seconds.
/// </summary>
public sealed class EngineMetrics : IDisposable
{
    /// <summary>The name of the meter and of the trace source.</summary>
    public const string Name = "Formation.Inference.Engine";

    static readonly InstrumentAdvice<double> FirstTokenBuckets = new()
    {
        HistogramBucketBoundaries = [0.001, 0.005, 0.01, 0.02, 0.04, 0.06, 0.08, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5, 7.5, 10, 20, 40, 80, 160],
    };

    static readonly InstrumentAdvice<double> TokenBuckets = new()
    {
        HistogramBucketBoundaries = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.15, 0.2, 0.3, 0.4, 0.5, 0.75, 1, 2.5, 5],
    };

    static readonly InstrumentAdvice<double> RequestBuckets = new()
    {
        HistogramBucketBoundaries = [0.05, 0.1, 0.25, 0.5, 1, 1.5, 2, 2.5, 5, 10, 15, 20, 30, 40, 50, 60, 120, 240, 480, 960],
    };

    readonly ConcurrentDictionary<string, Func<EngineStatistics>> _engines = new(StringComparer.Ordinal);
    readonly ConcurrentDictionary<string, IReadOnlyList<LinearKernel>> _kernels = new(StringComparer.Ordinal);

    public EngineMetrics()
    {
        Gauge("formation.num_requests_running", "Sequences that hold KV blocks.", statistics => statistics.RunningSequences);
        Gauge("formation.num_requests_waiting", "Sequences that wait to be scheduled.", statistics => statistics.WaitingSequences);
        Gauge("formation.kv_cache_usage_perc", "KV blocks in use as a fraction, 0 to 1.", statistics => statistics.KvCacheUsage);
        Gauge(
            "formation.spec_decode_draft_acceptance_rate", "Tokens of drafts that turned out right as a fraction, 0 to 1.",
            statistics => statistics.DraftAcceptance);
        Meter.CreateObservableGauge(
            "formation.kernel_info", () => _kernels.SelectMany(model => model.Value.Select(kernel => Describe(model.Key, kernel))),
            description: "The kernels of each weight format of a model, as labels; always 1.");
        PromptTokens = Counter("formation.prompt_tokens", "Tokens of prompts that were accepted.");
        GenerationTokens = Counter("formation.generation_tokens", "Tokens generated.");
        PrefixCacheQueries = Counter("formation.prefix_cache_queries", "Prompt tokens looked up in the prefix cache.");
        PrefixCacheHits = Counter("formation.prefix_cache_hits", "Prompt tokens found in the prefix cache.");
        Preemptions = Counter("formation.num_preemptions", "Sequences that gave up their KV blocks to be computed again.");
        Drafts = Counter("formation.spec_decode_num_drafts", "Drafts verified, by method.");
        DraftTokens = Counter("formation.spec_decode_num_draft_tokens", "Tokens of these drafts, by method.");
        AcceptedDraftTokens = Counter("formation.spec_decode_num_accepted_tokens", "Tokens of drafts that turned out right, by method.");
        RequestSuccess = Counter("formation.request_success", "Choices that finished, by finished_reason.");
        RequestFailure = Counter("formation.request_failure", "Requests that failed or were cancelled, by reason.");
        StageLosses = Counter("formation.stage_losses", "Times that a node with layers of a model was lost.");
        StageRecoveryTime = Histogram("formation.stage_recovery_time", "From the loss of a node to its replacement's first step.", RequestBuckets);
        TimeToFirstToken = Histogram("formation.time_to_first_token", "From submission to the first token.", FirstTokenBuckets);
        TimePerOutputToken = Histogram("formation.time_per_output_token", "Between two tokens of a choice.", TokenBuckets);
        RequestQueueTime = Histogram("formation.request_queue_time", "From submission to the first step.", RequestBuckets);
        RequestLatency = Histogram("formation.e2e_request_latency", "From submission to the end.", RequestBuckets);
        ModelLoadTime = Histogram("formation.model_load_time", "Loading a model.", RequestBuckets);
    }

    /// <summary>The meter of this set of instruments.</summary>
    internal Meter Meter { get; } = new(Name);

    public Counter<long> PromptTokens { get; }

    public Counter<long> GenerationTokens { get; }

    public Counter<long> PrefixCacheQueries { get; }

    public Counter<long> PrefixCacheHits { get; }

    public Counter<long> Preemptions { get; }

    public Counter<long> Drafts { get; }

    public Counter<long> DraftTokens { get; }

    public Counter<long> AcceptedDraftTokens { get; }

    public Counter<long> RequestSuccess { get; }

    public Counter<long> RequestFailure { get; }

    public Counter<long> StageLosses { get; }

    public Histogram<double> StageRecoveryTime { get; }

    public Histogram<double> TimeToFirstToken { get; }

    public Histogram<double> TimePerOutputToken { get; }

    public Histogram<double> RequestQueueTime { get; }

    public Histogram<double> RequestLatency { get; }

    public Histogram<double> ModelLoadTime { get; }

    /// <summary>The spans of the engine: <c>queue</c>, <c>prefill</c> and <c>decode</c> of a request, under the caller's span.</summary>
    internal static ActivitySource Traces { get; } = new(Name);

    /// <summary>The tag that every measurement has.</summary>
    public static KeyValuePair<string, object?> ModelTag(string modelId) => new("model_name", modelId);

    /// <summary>Shows an engine's statistics under its model's name until <see cref="Unregister"/>.</summary>
    /// <param name="modelId">The model's name.</param>
    /// <param name="statistics">Gives the statistics of the moment.</param>
    /// <param name="kernels">What multiplies the model's weights.</param>
    public void Register(string modelId, Func<EngineStatistics> statistics, IReadOnlyList<LinearKernel> kernels) =>
        (_engines[modelId], _kernels[modelId]) = (statistics, kernels);

    public void Unregister(string modelId)
    {
        _engines.TryRemove(modelId, out _);
        _kernels.TryRemove(modelId, out _);
    }

    public void Dispose() => Meter.Dispose();

    static Measurement<int> Describe(string modelId, LinearKernel kernel) => new(
        1, ModelTag(modelId), new("path", KernelPaths.Name(KernelPaths.Current)), new("format", kernel.Format.ToString()),
        new("one_row", kernel.OneRow), new("rows", kernel.Rows));

    Counter<long> Counter(string name, string description) => Meter.CreateCounter<long>(name, description: description);

    Histogram<double> Histogram(string name, string description, InstrumentAdvice<double> buckets) =>
        Meter.CreateHistogram(name, "s", description, tags: null, advice: buckets);

    void Gauge(string name, string description, Func<EngineStatistics, double> value) =>
        Meter.CreateObservableGauge(
            name,
            () => _engines.Select(engine => new Measurement<double>(value(engine.Value()), ModelTag(engine.Key))),
            description: description);
}
