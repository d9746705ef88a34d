using System.Globalization;
using Formation.Inference.Engine.Embeddings;
using Microsoft.Extensions.Logging;

namespace Formation.Inference.Engine.Serving;

// How a pool brings models into memory and takes them out.
public sealed partial class ModelPool
{
    const double Mebibyte = 1024 * 1024;

    /// <summary>Starts a load. The caller holds the lock and keeps the task in the slot.</summary>
    Task<GenerationError?> BeginLoad(ModelSlot slot)
    {
        slot.State = ModelState.Loading;
        (slot.Progress, slot.Failure) = (0, null);
        slot.CancelLoad = new CancellationTokenSource();
        var cancellation = slot.CancelLoad.Token;
        return Task.Factory.StartNew(
            () => Load(slot, cancellation), CancellationToken.None, TaskCreationOptions.LongRunning, TaskScheduler.Default);
    }

    GenerationError? Load(ModelSlot slot, CancellationToken cancellationToken)
    {
        try
        {
            var started = _clock.GetTimestamp();
            var footprint = _measure(slot.Source);
            if (MakeRoom(slot, footprint) is { } noRoom)
                return Conclude(slot, ModelState.Available, null, noRoom);

            var model = _load(slot.Source, new SlotProgress(slot), cancellationToken);
            var engine = new InferenceEngine(slot.Id, model, _options.Engine, _metrics, _clock, _loggers.CreateLogger<InferenceEngine>());
            var loaded = new LoadedModel(
                engine, new PromptEncoder(model, engine.ContextLength, _clock), new EmbeddingEncoder(model, engine.ContextLength), model.Abilities);
            var elapsed = _clock.GetElapsedTime(started);
            _metrics.ModelLoadTime.Record(elapsed.TotalSeconds, EngineMetrics.ModelTag(slot.Id));
            LogLoaded(slot.Id, elapsed, model.MemoryBytes / Mebibyte);
            return Conclude(slot, ModelState.Ready, loaded, null);
        }
        catch (OperationCanceledException) when (cancellationToken.IsCancellationRequested)
        {
            return Conclude(slot, ModelState.Available, null, EngineErrors.Removed(slot.Id, _options.BusyRetry));
        }
        catch (ModelLoadException failure)
        {
            // A fault of the file, not of this program: its message tells the operator all, and a stack trace would only hide it.
            LogLoadRefused(slot.Id, slot.Source.Path, failure.InnerException?.Message ?? failure.Message);
            return Conclude(slot, ModelState.Failed, null, EngineErrors.LoadFailed(slot.Id, failure.Message, _options.FailureMemory));
        }
        catch (Exception failure)
        {
            LogLoadFailed(slot.Id, failure);
            return Conclude(slot, ModelState.Failed, null, EngineErrors.LoadFailed(slot.Id, "the server's log tells why.", _options.FailureMemory));
        }
    }

    GenerationError? Conclude(ModelSlot slot, ModelState state, LoadedModel? loaded, GenerationError? error)
    {
        lock (_lock)
        {
            (slot.State, slot.Loaded, slot.Load) = (state, loaded, null);
            slot.CancelLoad = null;
            slot.Abilities = loaded?.Abilities ?? slot.Abilities;
            slot.LastUsed = _clock.GetTimestamp();
            if (loaded is null)
                Reserve(slot, 0);
            else
                _metrics.Register(slot.Id, () => loaded.Engine.Statistics, loaded.Engine.Kernels);
            if (state == ModelState.Failed)
                (slot.Failure, slot.FailedAt) = (error, slot.LastUsed);
            if (slot.IsRemoved || _isStopping)
            {
                End(slot);
                error ??= _isStopping ? EngineErrors.ShuttingDown() : EngineErrors.ModelNotFound(slot.Id);
            }

            return error;
        }
    }

    /// <summary>Reserves memory for a model, unloading idle ones as far as needed, the longest unused first.</summary>
    /// <returns>Null, or why there is no room.</returns>
    GenerationError? MakeRoom(ModelSlot slot, ModelFootprint footprint)
    {
        List<Task> unloaded = [];
        lock (_lock)
        {
            slot.Footprint = footprint;
            if (slot.Loaded is not null)
                unloaded.Add(Unload(slot));
            if (footprint.MemoryBytes > _options.MemoryBytes)
                return EngineErrors.TooLarge(slot.Id, footprint.MemoryBytes, _options.MemoryBytes);

            var free = _options.MemoryBytes - LentBytes - (_reservedBytes - slot.ReservedBytes);
            var idle = _slots.Values
                .Where(other => other is { State: ModelState.Ready, Leases: 0, WaitingRequests: 0 })
                .OrderBy(other => other.LastUsed).ToList();
            if (free + idle.Sum(other => other.ReservedBytes) < footprint.MemoryBytes)
                return EngineErrors.NoRoom(slot.Id, footprint.MemoryBytes, _options.MemoryBytes, _options.BusyRetry);

            foreach (var victim in idle.TakeWhile(_ => free < footprint.MemoryBytes))
            {
                free += victim.ReservedBytes;
                LogUnloading(victim.Id, slot.Id);
                unloaded.Add(Unload(victim));
                Reserve(victim, 0);
            }

            Reserve(slot, footprint.MemoryBytes);
        }

        // The memory is really free only when the engines have ended.
        Task.WaitAll(unloaded);
        return null;
    }

    /// <summary>Changes what a slot takes of the budget. The caller holds the lock.</summary>
    void Reserve(ModelSlot slot, long bytes)
    {
        _reservedBytes += bytes - slot.ReservedBytes;
        slot.ReservedBytes = bytes;
    }

    /// <summary>Takes the engine out of a slot, which keeps its part of the budget. The caller holds the lock.</summary>
    /// <returns>Ends when the memory is free.</returns>
    Task Unload(ModelSlot slot)
    {
        var engine = slot.Loaded!.Engine;
        _metrics.Unregister(slot.Id);
        slot.Loaded = null;
        if (slot.State == ModelState.Ready)
            slot.State = ModelState.Available;

        // The engine's end waits for its thread, so it must not run under the lock.
        return Task.Run(() => engine.DisposeAsync().AsTask());
    }

    /// <summary>Ends a slot that leaves the pool. The caller holds the lock.</summary>
    void End(ModelSlot slot)
    {
        if (slot.Loaded is null)
            return;
        var ending = Unload(slot);
        _endings.Add(ending);
        ending.ContinueWith(
            ended =>
            {
                lock (_lock)
                {
                    _endings.Remove(ended);
                    Reserve(slot, 0);
                }
            },
            CancellationToken.None, TaskContinuationOptions.None, TaskScheduler.Default);
    }

    sealed class SlotProgress(ModelSlot slot) : IProgress<double>
    {
        public void Report(double value) => slot.Progress = Math.Clamp(value, 0, 1);
    }

    [LoggerMessage(LogLevel.Information, "Model {Model} is loaded: {Elapsed}, {Mebibytes:F0} MiB.")]
    partial void LogLoaded(string model, TimeSpan elapsed, double mebibytes);

    [LoggerMessage(LogLevel.Error, "Model {Model} can't be loaded.")]
    partial void LogLoadFailed(string model, Exception failure);

    [LoggerMessage(LogLevel.Error, "Model {Model} can't be loaded from {Path}: {Reason}")]
    partial void LogLoadRefused(string model, string path, string reason);

    [LoggerMessage(LogLevel.Information, "Model {Model} is unloaded to make room for {Other}.")]
    partial void LogUnloading(string model, string other);
}
