using System.Diagnostics.Metrics;
using Formation.Inference.Engine.Scheduling;
using Formation.Inference.Engine.Serving;
using Formation.Inference.Engine.Tokenization;
using Formation.Inference.Testing.Fakes;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Time.Testing;

namespace Formation.Inference.Engine.Tests.Serving;

public sealed class ModelPoolTests : IAsyncDisposable
{
    readonly FakeTimeProvider _clock = new();
    readonly EngineMetrics _metrics = new();
    readonly Dictionary<string, InventedModel> _models = [];
    readonly Dictionary<string, long> _sizes = [];
    readonly Dictionary<string, Func<Exception>> _faults = [];
    readonly ManualResetEventSlim _gate = new(initialState: true);
    readonly List<string> _loads = [];
    readonly ModelPool _pool;

    public ModelPoolTests()
    {
        var engine = new EngineOptions { Scheduler = new SchedulerOptions { MaxRunningSequences = 4 } };
        var options = new ModelPoolOptions { MemoryBytes = 100, MaxRequestsPerLoad = 2, Engine = engine };
        _pool = new ModelPool(options, Measure, Load, _metrics, _clock, NullLoggerFactory.Instance);
    }

    ModelFootprint Measure(ModelSource source) => new(_sizes[source.Path], ContextLength: 512, ParameterCount: 7);

    ServableModel Load(ModelSource source, IProgress<double> progress, CancellationToken cancellationToken)
    {
        lock (_loads)
            _loads.Add(source.Path);
        progress.Report(0.5);
        _gate.Wait(cancellationToken);
        if (_faults.TryGetValue(source.Path, out var fault))
            throw fault();
        lock (_models)
            return (_models[source.Path] = new InventedModel()).Servable;
    }

    void Add(string id, long size)
    {
        _sizes[id] = size;
        Assert.True(_pool.Add(id, new ModelSource(id), DateTimeOffset.UnixEpoch));
    }

    async Task<ModelLease> Acquire(string id)
    {
        var (lease, error) = await _pool.AcquireAsync(id, CancellationToken.None);
        Assert.Null(error);
        return lease!;
    }

    async Task<GenerationError> Refused(string id)
    {
        var (lease, error) = await _pool.AcquireAsync(id, CancellationToken.None);
        Assert.Null(lease);
        return error!;
    }

    async Task Use(string id)
    {
        (await Acquire(id)).Dispose();
        _clock.Advance(TimeSpan.FromSeconds(1));
    }

    static GenerationRequest Request(string modelId) => new()
    {
        RequestId = "r",
        ModelId = modelId,
        AccountId = "account",
        Prompt = new TextPrompt("Hello world"),
        Sampling = EngineHarness.Greedy,
        Stop = new StopConditions { MaxTokens = 8 },
    };

    ModelState StateOf(string id) => _pool.Find(id)!.State;

    [Fact]
    public async Task A_model_is_loaded_by_its_first_request_and_then_stays()
    {
        Add("a", 10);
        Assert.Equal((ModelState.Available, null), (StateOf("a"), _pool.Find("a")!.ParameterCount));
        Assert.Null(_pool.Find("a")!.Abilities);
        await Use("a");
        await Use("a");
        Assert.Equal(["a"], _loads);
        var description = _pool.Find("a")!;
        Assert.Equal((ModelState.Ready, 1.0), (description.State, description.LoadProgress));
        Assert.Equal((7L, 1024), (description.ParameterCount, description.ContextLength));
        Assert.Equal(new ModelAbilities(Chats: true, Thinks: false, TakesEffort: false, FillsGaps: false), description.Abilities);
    }

    [Fact]
    public async Task Progress_shows_while_a_model_loads_and_requests_wait_for_it()
    {
        Add("a", 10);
        _gate.Reset();
        var waiting = Acquire("a");
        await Eventually.TrueAsync(() => _pool.Find("a")!.LoadProgress > 0);
        Assert.Equal((ModelState.Loading, 0.5), (StateOf("a"), _pool.Find("a")!.LoadProgress));
        _gate.Set();
        (await waiting).Dispose();
    }

    [Fact]
    public async Task Only_so_many_requests_wait_for_a_load_and_each_may_leave()
    {
        Add("a", 10);
        _gate.Reset();
        using var cancellation = new CancellationTokenSource();
        var leaving = _pool.AcquireAsync("a", cancellation.Token);
        var waiting = _pool.AcquireAsync("a", CancellationToken.None);
        Assert.Equal(GenerationErrorKind.ModelUnavailable, (await Refused("a")).Kind);
        cancellation.Cancel();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => leaving);
        var taken = _pool.AcquireAsync("a", CancellationToken.None);
        _gate.Set();
        Assert.NotNull((await waiting).Lease);
        Assert.NotNull((await taken).Lease);
        Assert.Equal(["a"], _loads);
    }

    [Fact]
    public async Task The_idle_model_that_was_used_longest_ago_makes_room()
    {
        Add("a", 40);
        Add("b", 40);
        Add("c", 40);
        await Use("a");
        await Use("b");
        await Use("a");
        await Use("c");
        Assert.Equal((ModelState.Ready, ModelState.Available, ModelState.Ready), (StateOf("a"), StateOf("b"), StateOf("c")));
        Assert.NotNull(_pool.Find("b")!.Abilities);
        Assert.True(_models["b"].Stage.IsDisposed);
        Assert.False(_models["a"].Stage.IsDisposed);
    }

    [Fact]
    public async Task A_model_in_use_is_never_unloaded()
    {
        Add("a", 60);
        Add("b", 60);
        var lease = await Acquire("a");
        var error = await Refused("b");
        Assert.Equal(GenerationErrorKind.ModelUnavailable, error.Kind);
        Assert.True(error.RetryAfter > TimeSpan.Zero);
        Assert.Equal(ModelState.Available, StateOf("b"));
        lease.Dispose();
        await Use("b");
        Assert.Equal(ModelState.Available, StateOf("a"));
    }

    [Fact]
    public async Task A_model_above_the_whole_budget_is_refused_with_the_numbers_and_no_time_to_retry()
    {
        Add("big", 300L << 20);
        var error = await Refused("big");
        Assert.Contains("300 MiB", error.Message);
        Assert.Null(error.RetryAfter);
        Assert.Empty(_loads);
    }

    [Fact]
    public async Task A_failed_load_is_remembered_for_a_while_and_then_tried_again()
    {
        Add("a", 10);
        _faults["a"] = () => new ModelLoadException("its file can't be used (Truncated).", new IOException("/secret/path"));
        var first = await Refused("a");
        Assert.Contains("Truncated", first.Message);
        Assert.DoesNotContain("secret", first.Message);
        Assert.Equal(ModelState.Failed, StateOf("a"));
        _clock.Advance(TimeSpan.FromSeconds(10));
        Assert.Equal(TimeSpan.FromSeconds(20), (await Refused("a")).RetryAfter);
        Assert.Equal(["a"], _loads);

        _faults.Clear();
        _clock.Advance(TimeSpan.FromSeconds(21));
        await Use("a");
        Assert.Equal(["a", "a"], _loads);
    }

    [Fact]
    public async Task What_an_unexpected_fault_says_does_not_reach_the_caller()
    {
        Add("a", 10);
        _faults["a"] = () => new InvalidOperationException("/secret/path");
        Assert.DoesNotContain("secret", (await Refused("a")).Message);
    }

    [Fact]
    public async Task An_alias_serves_the_model_it_points_to_and_is_listed()
    {
        Add("nano", 10);
        Assert.True(_pool.SetAlias("formation-llm", "nano"));
        await Use("formation-llm");
        Assert.Equal(["nano"], _loads);
        Assert.Equal(["formation-llm", "nano"], _pool.List().Select(model => model.Id));
        Add("other", 10);
        Assert.True(_pool.SetAlias("formation-llm", "other"));
        await Use("formation-llm");
        Assert.Equal(["nano", "other"], _loads);
        Assert.False(_pool.SetAlias("other", "nano"));
        Assert.False(_pool.SetAlias("x", "missing"));
        Assert.False(_pool.Add("formation-llm", new ModelSource("x"), default));
    }

    [Fact]
    public async Task An_alias_that_is_taken_away_leaves_its_model()
    {
        Add("a", 10);
        _pool.SetAlias("alias", "a");
        Assert.Equal((true, false), (_pool.IsAlias("alias"), _pool.IsAlias("a")));
        Assert.True(_pool.RemoveAlias("alias"));
        Assert.False(_pool.RemoveAlias("a"));
        Assert.Equal(GenerationErrorKind.ModelNotFound, (await Refused("alias")).Kind);
        await Use("a");
    }

    [Fact]
    public async Task A_removed_model_finishes_its_requests_and_is_gone_for_new_ones()
    {
        Add("a", 80);
        Add("b", 80);
        Assert.True(_pool.SetAlias("alias", "a"));
        var lease = await Acquire("a");
        Assert.True(_pool.Remove("a"));
        Assert.Equal(GenerationErrorKind.ModelNotFound, (await Refused("a")).Kind);
        Assert.Null(_pool.Find("alias"));
        Assert.False(_models["a"].Stage.IsDisposed);

        // Its memory counts until it is really free.
        Assert.Equal(GenerationErrorKind.ModelUnavailable, (await Refused("b")).Kind);
        lease.Dispose();
        await Eventually.TrueAsync(async () =>
            _models["a"].Stage.IsDisposed && (await _pool.AcquireAsync("b", CancellationToken.None)).Lease is not null);
    }

    [Fact]
    public async Task A_model_removed_while_it_loads_is_not_kept()
    {
        Add("a", 10);
        _gate.Reset();
        var waiting = _pool.AcquireAsync("a", CancellationToken.None);
        await Eventually.TrueAsync(() => _loads.Count > 0);
        _pool.Remove("a");
        Assert.NotNull((await waiting).Error);
        Assert.Empty(_models);
    }

    [Fact]
    public async Task An_engine_that_ended_by_a_fault_is_loaded_anew()
    {
        Add("a", 60);
        using var lease = await Acquire("a");
        using (var listener = new MeterListener())
        {
            // What listens to the metrics runs on the engine's thread, outside of a step: a fault there ends the engine.
            listener.InstrumentPublished = (instrument, self) =>
            {
                if (instrument == _metrics.PrefixCacheQueries)
                    self.EnableMeasurementEvents(instrument);
            };
            listener.SetMeasurementEventCallback<long>((_, _, _, _) => throw new InvalidOperationException("faulty listener"));
            listener.Start();
            var endless = Request("a") with { Stop = new StopConditions { IgnoreEndOfGeneration = true } };
            var events = lease.Model.Engine.Submit(endless, [1, 2, 3]).Events.ReadAllAsync(CancellationToken.None);
            Assert.Equal(GenerationErrorKind.Internal, (await CollectedGeneration.FromAsync(events)).Error!.Kind);
        }

        await Eventually.TrueAsync(() => lease.Model.Engine.IsFaulted);
        using var again = await Acquire("a");
        Assert.NotSame(lease.Model.Engine, again.Model.Engine);
        Assert.Equal(["a", "a"], _loads);
        var after = again.Model.Engine.Submit(Request("a"), [1, 2, 3]).Events.ReadAllAsync(CancellationToken.None);
        Assert.Null((await CollectedGeneration.FromAsync(after)).Error);
    }

    [Fact]
    public async Task Stopping_refuses_new_requests_and_ends_loads()
    {
        Add("a", 10);
        _gate.Reset();
        var waiting = _pool.AcquireAsync("a", CancellationToken.None);
        await _pool.StopAsync(TimeSpan.FromSeconds(1));
        Assert.NotNull((await waiting).Error);
        Assert.Equal(GenerationErrorKind.ShuttingDown, (await Refused("a")).Kind);
    }

    [Fact]
    public async Task Requests_run_through_the_backend_from_text_to_events()
    {
        Add("a", 10);
        var backend = new LocalBackend(_pool, maxConcurrentPrompts: 2);
        var request = Request("a");
        var generation = await CollectedGeneration.FromAsync(backend.GenerateAsync(request, CancellationToken.None));
        var model = _models["a"];
        var prompt = model.Tokenizer.Encode(PromptText.Plain("Hello world"), addSpecial: true);
        Assert.Equal(prompt.Length, generation.PromptTokens);
        Assert.Equal(model.Tokenizer.Decode([.. model.Greedy(prompt, 8)]), generation.Text());

        var missing = await CollectedGeneration.FromAsync(backend.GenerateAsync(request with { ModelId = "b" }, CancellationToken.None));
        Assert.Equal(GenerationErrorKind.ModelNotFound, missing.Error!.Kind);
    }

    [Fact]
    public async Task A_reader_that_leaves_frees_its_request()
    {
        Add("a", 10);
        var backend = new LocalBackend(_pool, maxConcurrentPrompts: 2);
        using var lease = await Acquire("a");
        _models["a"].Head.Adjust = (_, logits) => logits.AsSpan(250).Fill(-100);
        var request = new GenerationRequest { RequestId = "r", ModelId = "a", AccountId = "account", Prompt = new TokenPrompt([1, 2, 3]) };
        await foreach (var next in backend.GenerateAsync(request, CancellationToken.None))
            if (next is GenerationDelta)
                break;
        await Eventually.TrueAsync(async () => (await lease.Model.Engine.CheckIntegrityAsync()).HeldBlocks == 0);
    }

    public async ValueTask DisposeAsync()
    {
        _gate.Set();
        await _pool.DisposeAsync();
        _metrics.Dispose();
        _gate.Dispose();
    }
}
