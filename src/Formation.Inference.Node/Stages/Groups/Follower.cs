using Formation.Inference.Engine.Stages;
using Formation.Inference.Node.Stages.Chain;
using Formation.Inference.Node.Stages.Wire;

namespace Formation.Inference.Node.Stages.Groups;

/// <summary>A follower as its leader sees it. Used by one thread at a time.</summary>
/// <param name="rank">From 1.</param>
/// <param name="shape">The largest batch.</param>
internal sealed class Follower(int rank, StageShape shape)
{
    /// <summary>Batches under way at most: the answer to one comes while the next is being made ready.</summary>
    public const int Batches = 2;

    readonly Activations[] _rows = [.. Enumerable.Range(0, Batches).Select(_ => new Activations(shape.MaxRows, shape.HiddenSize))];
    Task _last = Task.CompletedTask;
    int _next;

    public int Rank => rank;

    /// <summary>The connection for batches and heartbeats: a chain of one stage.</summary>
    public RemoteChain? Chain { get; set; }

    /// <summary>Hands a batch to the follower. Waits until it has answered the one before, which it mostly has long ago.</summary>
    /// <param name="lost">Told when the follower does not compute it.</param>
    /// <exception cref="StageLostException">It is lost.</exception>
    public void Begin(Batch batch, Activations activations, Action<string> lost)
    {
        try
        {
            _last.GetAwaiter().GetResult();
        }
        catch (StageBatchException failed) when (failed.Code == StageErrorCode.NotFinite)
        {
            // The leader has failed the batch for the same reason.
        }
        catch (StageBatchException failed)
        {
            throw new StageLostException(Chain!.Layers, $"member {rank} did not compute a batch: {failed.Message}", failed);
        }
        var rows = _rows[_next++ % Batches];
        rows.SetRows(activations.Rows);
        activations.Values.CopyTo(rows.Values);
        _last = Chain!.ForwardAsync(batch, rows, CancellationToken.None).AsTask();
        _last.ContinueWith(
            (task, state) =>
            {
                if (task.Exception?.InnerException is not StageBatchException { Code: StageErrorCode.NotFinite })
                    lost($"member {rank}: {task.Exception?.InnerException?.Message}");
            },
            null, CancellationToken.None, TaskContinuationOptions.OnlyOnFaulted | TaskContinuationOptions.ExecuteSynchronously, TaskScheduler.Default);
    }

    /// <summary>Ends the trace of a sequence when the follower has answered what was begun: its answers come behind the leader's.</summary>
    public void EndTrace(long sequenceId)
    {
        if (Chain is { } chain)
            _last.ContinueWith(_ => chain.EndTrace(sequenceId), CancellationToken.None, TaskContinuationOptions.ExecuteSynchronously, TaskScheduler.Default);
    }

    /// <summary>Waits for the end of what was begun, however it ends.</summary>
    public async Task SettleAsync()
    {
        await _last.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        _last = Task.CompletedTask;
    }
}
