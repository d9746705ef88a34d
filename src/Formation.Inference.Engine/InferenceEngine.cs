using System.Collections.Concurrent;
using System.Threading.Channels;
using Formation.Inference.Engine.Embeddings;
using Formation.Inference.Engine.KvCache;
using Formation.Inference.Engine.Sampling;
using Formation.Inference.Engine.Scheduling;
using Formation.Inference.Engine.Sequences;
using Formation.Inference.Engine.Serving;
using Formation.Inference.Engine.Speculation;
using Formation.Inference.Engine.Stages;
using Formation.Inference.Kernels.Dispatch;
using Formation.Inference.Kernels.Threading;
using Microsoft.Extensions.Logging;

namespace Formation.Inference.Engine;

/// <summary>
/// Runs one loaded model for many requests at once (steps 5 to 9 of docs/request-path.md). Any thread submits; one thread of the engine's own
/// takes every step: schedule, forward, sample, complete. Where stages work side by side, that many steps are in flight.
/// </summary>
public sealed partial class InferenceEngine : IAsyncDisposable
{
    readonly ServableModel _model;
    readonly int _depth;
    readonly TimeProvider _clock;
    readonly ILogger _logger;
    readonly BlockPool _pool;
    readonly Scheduler _scheduler;
    readonly StepSampler _sampler;
    readonly StepPooler _pooler;
    readonly Speculator _speculator;
    readonly GenerationFactory _factory;
    readonly GenerationReporter _reporter;
    readonly EngineMetrics _metrics;
    readonly KeyValuePair<string, object?> _modelTag;
    readonly ActiveGenerations _active;
    readonly QueueLimit _queue;
    readonly Channel<Generation> _inbox;
    readonly Queue<StepInFlight> _inFlight = [];
    readonly Stack<StepInFlight> _idleSteps = [];
    readonly StageRecovery _recovery;
    readonly AutoResetEvent _wake = new(initialState: false);
    readonly ConcurrentQueue<TaskCompletionSource<EngineStatistics>> _audits = [];
    readonly CancellationTokenSource _abort = new();
    readonly TaskCompletionSource _drained = new(TaskCreationOptions.RunContinuationsAsynchronously);
    readonly TaskCompletionSource _ended = new(TaskCreationOptions.RunContinuationsAsynchronously);
    long _steps;
    int _cancellations;
    volatile bool _isFaulted;
    volatile bool _isStopping;
    bool _isDisposed;
    volatile EngineStatistics _statistics;

    /// <summary>Starts the engine's thread.</summary>
    /// <param name="modelId">The name in metrics and traces, and of the thread.</param>
    /// <param name="model">The model; the engine owns it from here on.</param>
    /// <param name="options">How to run it.</param>
    /// <param name="metrics">The instruments, shared by all engines.</param>
    /// <param name="clock">The clock.</param>
    /// <param name="logger">Where faults of the engine are told.</param>
    public InferenceEngine(
        string modelId,
        ServableModel model,
        EngineOptions options,
        EngineMetrics metrics,
        TimeProvider clock,
        ILogger<InferenceEngine> logger)
        : this(modelId, model, options, metrics, clock, logger, hasher => Drafters.Create(options.Speculation, model, hasher))
    {
    }

    /// <summary>Starts an engine with drafters of the caller's.</summary>
    internal InferenceEngine(
        string modelId,
        ServableModel model,
        EngineOptions options,
        EngineMetrics metrics,
        TimeProvider clock,
        ILogger<InferenceEngine> logger,
        Func<PrefixHasher, IEnumerable<IDrafter>> createDrafters)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(model.Pipeline.MaxRows, options.Scheduler.MaxRows);
        (_model, _clock, _logger) = (model, clock, logger);
        ContextLength = (int)Math.Min(model.ContextLength, (long)model.BlockCount * model.BlockSize);
        var hasher = new PrefixHasher(options.NewPrefixSecret(), model.BlockSize);
        _pool = new BlockPool(model.BlockCount);
        _scheduler = new Scheduler(options.Scheduler, _pool, hasher);
        _depth = model.Pipeline.Depth;
        for (var i = 0; i < _depth; i++)
            _idleSteps.Push(new StepInFlight(model.Pipeline, Wake));
        _recovery = new StageRecovery(model.Pipeline, _scheduler, clock, options.RecoveryTimeout, Wake);
        var sampler = new Sampler(model.Pipeline.VocabularySize, [.. model.Tokenizer.EndOfGeneration]);
        _sampler = new StepSampler(model.Pipeline, sampler, options.MaxLogitsRows);
        _pooler = new StepPooler(model.Pipeline);
        _speculator = new Speculator(
            options.Speculation, createDrafters(hasher), _scheduler, model.Pipeline.VocabularySize, model.Tokenizer.EndOfGeneration,
            clock, logger);
        _factory = new GenerationFactory(model.Tokenizer, model.Grammars, model.Reasoning, hasher, ContextLength, options, clock, NoteCancellation);
        _metrics = metrics;
        _modelTag = EngineMetrics.ModelTag(modelId);
        _reporter = new GenerationReporter(modelId, model, metrics, clock);
        _queue = new QueueLimit(options.MaxQueuedRequests);
        _active = new ActiveGenerations(_scheduler, _reporter, _queue, _factory.NextId);
        _inbox = Channel.CreateBounded<Generation>(new BoundedChannelOptions(options.MaxQueuedRequests) { SingleReader = true });
        _statistics = new EngineStatistics(0, 0, 0, _pool.Count, _scheduler.Preemptions);
        model.Pipeline.WatchLosses(Wake);
        new Thread(Run) { Name = $"engine {modelId}", IsBackground = true }.Start();
    }

    /// <summary>Tokens that prompt and completion may have together: the model's context, or the KV blocks' positions if fewer.</summary>
    public int ContextLength { get; }

    /// <summary>What the engine does, as of its last step.</summary>
    public EngineStatistics Statistics => _statistics;

    /// <summary>What multiplies the model's weights, for each of their formats.</summary>
    public IReadOnlyList<LinearKernel> Kernels => _model.Kernels;

    /// <summary>Requests that wait for their first step.</summary>
    public int QueuedRequests => _queue.Count;

    /// <summary>Whether the engine has ended by a fault of its own; it takes no more requests.</summary>
    public bool IsFaulted => _isFaulted;

    /// <summary>Puts a request in the engine's inbox (step 5). Safe from any thread.</summary>
    /// <param name="request">A request whose values fit this model.</param>
    /// <param name="prompt">Its tokens: at least one, with room in the context for what the request asks.</param>
    /// <returns>The request with its events; these are a single failure where the engine can't take it.</returns>
    internal Generation Submit(GenerationRequest request, int[] prompt) => Submit(_factory.Create(request, prompt));

    /// <summary>The same for a request whose inputs are embedded; its place in the queue is one, however many they are.</summary>
    /// <param name="request">A request whose values fit this model.</param>
    /// <param name="inputs">Its inputs as tokens: each has at least one, and as many as the context at most.</param>
    internal Generation Submit(EmbeddingRequest request, int[][] inputs) =>
        Submit(_factory.Create(request, inputs, _model.Pooling, _model.Pipeline.HiddenSize));

    Generation Submit(Generation generation)
    {
        if (!_queue.TryEnter())
            _reporter.Failed(
                generation, _isStopping || _isFaulted ? Refusal : EngineErrors.QueueFull(_queue.Limit, _reporter.TypicalLatency));
        else if (!_inbox.Writer.TryWrite(generation))
        {
            _queue.Leave();
            _reporter.Failed(generation, Refusal);
        }

        _wake.Set();
        return generation;
    }

    GenerationError Refusal => _isFaulted ? EngineErrors.EngineFailed() : EngineErrors.ShuttingDown();

    /// <summary>Takes no more requests, finishes those it has, and ends. What is not finished after the limit fails.</summary>
    public async Task StopAsync(TimeSpan limit)
    {
        _isStopping = true;
        _inbox.Writer.TryComplete();
        _wake.Set();
        try
        {
            await _drained.Task.WaitAsync(limit, _clock);
        }
        catch (TimeoutException)
        {
            // What runs still fails below.
        }

        _abort.Cancel();
        _wake.Set();
        await _ended.Task;
    }

    /// <summary>Ends at once and frees the model.</summary>
    public async ValueTask DisposeAsync()
    {
        await StopAsync(TimeSpan.Zero);
        if (Interlocked.Exchange(ref _isDisposed, true))
            return;

        // The wake-up event is left to the collector: a late cancellation may still set it.
        _model.Dispose();
    }

    /// <summary>Audits blocks and sequences between two steps.</summary>
    /// <exception cref="InvalidOperationException">Something does not add up, or the engine has ended.</exception>
    internal async Task<EngineStatistics> CheckIntegrityAsync()
    {
        var audit = new TaskCompletionSource<EngineStatistics>(TaskCreationOptions.RunContinuationsAsynchronously);
        _audits.Enqueue(audit);
        _wake.Set();
        if (await Task.WhenAny(audit.Task, _ended.Task) == _ended.Task && !audit.Task.IsCompleted)
            throw new InvalidOperationException("The engine has ended.");
        return await audit.Task;
    }

    // Everything from here on runs on the engine's thread, which alone touches scheduler, sequences and samplers.

    void Run()
    {
        try
        {
            // So that this thread works in products on the matrix unit itself instead of handing them to another.
            using var tiles = TileThread.Prepare();
            while (!_abort.IsCancellationRequested)
            {
                ReceiveRequests();
                DropCancelledRequests();
                var hasWorked = _recovery.IsUnderWay ? Recover() : StartStep() | CompleteStep() || NoticeLoss();
                Publish();
                if (!hasWorked)
                    WaitForWork();
            }
        }
        catch (Exception fault)
        {
            _isFaulted = true;
            LogEngineFault(fault);
        }
        finally
        {
            EndSteps();
            FailAll(Refusal);
            _drained.TrySetResult();
            _ended.TrySetResult();
        }
    }

    /// <summary>Begins a step where one more may be in flight and there is work that is not.</summary>
    bool StartStep()
    {
        if (!_idleSteps.TryPeek(out var step))
            return false;
        _scheduler.Schedule(step.Slices, _depth);                           // step 6
        if (step.Slices.Count == 0)
            return false;
        try
        {
            _active.NoteScheduled(step.Slices);
            _speculator.Draft(step.Slices, step.Drafts, _active.OwnerOf);
            step.Start(_steps++, _abort.Token);                             // step 7
            _inFlight.Enqueue(_idleSteps.Pop());
        }
        catch (Exception fault)
        {
            FailStep(step.Slices, fault);
        }

        return true;
    }

    /// <summary>Takes the results of the oldest step in flight, where they are there.</summary>
    bool CompleteStep()
    {
        if (!_inFlight.TryPeek(out var step) || !step.IsComputed)
            return false;
        _idleSteps.Push(_inFlight.Dequeue());
        var slices = step.Slices;
        try
        {
            step.Finish();
            _pooler.Pool(slices, step.Activations);
            var samples = _sampler.Sample(slices, step.Activations, _active.OwnerOf);   // step 8
            _speculator.Learn(slices, step.Drafts, samples);
            _active.Complete(slices, samples);                                          // step 9
        }
        catch (OperationCanceledException) when (_abort.IsCancellationRequested)
        {
        }
        catch (StageLostException loss)
        {
            BeginRecovery(slices, loss);
        }
        catch (Exception fault)
        {
            FailStep(slices, fault);
        }

        return true;
    }

    /// <summary>Replaces what was lost while nobody asked for anything: the next request need not wait for it, and a node that is to be left is left.</summary>
    bool NoticeLoss()
    {
        if (_inFlight.Count > 0 || _model.Pipeline.Loss is not { } loss)
            return false;
        BeginRecovery([], loss);
        return true;
    }

    void FailStep(List<ScheduledSlice> slices, Exception fault)
    {
        LogStepFault(slices.Count, fault);
        _active.FailStep(slices);
        _scheduler.Abandon(slices);
    }

    /// <summary>Takes back all steps in flight: they have failed, too, or are of no use without the one before them.</summary>
    void BeginRecovery(List<ScheduledSlice> slices, StageLostException loss)
    {
        _scheduler.Abandon(slices);
        while (_inFlight.TryDequeue(out var step))
        {
            step.WaitUntilEnded();
            _scheduler.Abandon(step.Slices);
            _idleSteps.Push(step);
        }

        _metrics.StageLosses.Add(1, _modelTag);
        LogStageLost(loss.Message, _scheduler.Running.Count);
        _recovery.Begin(loss, _abort.Token);
    }

    /// <summary>Waits until nothing works on the model any more.</summary>
    void EndSteps()
    {
        _abort.Cancel();
        while (_inFlight.TryDequeue(out var step))
            step.WaitUntilEnded();
        _recovery.WaitUntilEnded();
    }

    /// <summary>Looks after a recovery. Whoever has waited too long for it fails; the attempts go on for those who come.</summary>
    bool Recover()
    {
        if (_recovery.TryComplete(_abort.Token))
        {
            _metrics.StageRecoveryTime.Record(_recovery.Elapsed.TotalSeconds, _modelTag);
            LogStageRecovered(_recovery.Elapsed.TotalSeconds);
            return true;
        }

        if (!_recovery.IsOverdue)
            return false;
        if (_active.Count > 0)
        {
            LogRecoveryGivenUp(_recovery.Waited.TotalSeconds, _recovery.Reason);
            _active.FailAndDropAll(EngineErrors.StageLost(_recovery.Waited));
        }

        _recovery.Extend();
        return false;
    }

    void ReceiveRequests()
    {
        while (_inbox.Reader.TryRead(out var generation))
        {
            // Whoever comes first has not waited yet, however long ago the loss was.
            if (_recovery.IsUnderWay && _active.Count == 0)
                _recovery.Extend();
            _active.Add(generation);
        }
    }

    void DropCancelledRequests()
    {
        if (Interlocked.Exchange(ref _cancellations, 0) != 0)
            _active.DropCancelled();
    }

    void FailAll(GenerationError error)
    {
        if (_active.Count > 0)
            LogUnfinished(_active.Count);
        _active.FailAll(error);
        _inbox.Writer.TryComplete();
        while (_inbox.Reader.TryRead(out var generation))
            _reporter.Failed(generation, error);
        _statistics = new EngineStatistics(0, 0, 0, _pool.Count, _scheduler.Preemptions);
    }

    void WaitForWork()
    {
        AuditInDebug();
        if (_active.Count == 0 && _inbox.Reader.Completion.IsCompleted)
            _drained.TrySetResult();
        _wake.WaitOne();
    }

    void Publish()
    {
        _speculator.Release();
        _reporter.Count(_scheduler, _speculator.Drafters);
        _statistics = Describe();
        while (_audits.TryDequeue(out var audit))
            try
            {
                _scheduler.CheckIntegrity();
                audit.SetResult(_statistics);
            }
            catch (InvalidOperationException violation)
            {
                audit.SetException(violation);
            }
    }

    EngineStatistics Describe() =>
        new(_scheduler.Running.Count, _scheduler.WaitingCount, _pool.HeldCount, _pool.Count, _scheduler.Preemptions)
        {
            DraftTokens = _speculator.Drafters.Sum(drafter => drafter.DraftTokens),
            AcceptedDraftTokens = _speculator.Drafters.Sum(drafter => drafter.AcceptedTokens),
        };

    [System.Diagnostics.Conditional("DEBUG")]
    void AuditInDebug() => _scheduler.CheckIntegrity();

    void NoteCancellation()
    {
        Interlocked.Exchange(ref _cancellations, 1);
        Wake();
    }

    void Wake() => _wake.Set();
}
