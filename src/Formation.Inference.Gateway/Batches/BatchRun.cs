using System.Runtime.CompilerServices;
using Formation.Inference.Gateway.Contents;
using Formation.Inference.Gateway.Telemetry;

namespace Formation.Inference.Gateway.Batches;

/// <summary>What a batch has become once no further line of it is run.</summary>
internal enum BatchEnd
{
    /// <summary>Every line has ended.</summary>
    Completed,

    /// <summary>Its time ran out.</summary>
    Expired,

    /// <summary>Its end was asked for.</summary>
    Cancelled,
}

/// <summary>What a batch is run with.</summary>
internal sealed record BatchWork(ContentStore Contents, BatchLineRunner Lines, RequestIds Ids, GatewayOptions Options, string Holder);

/// <summary>
/// Takes one batch from where it is to its end. What has ended is kept line by line, so that a restart runs no line again that has. What its lines look
/// like and how their answers are told is the dialect's.
/// </summary>
internal abstract class BatchRun(BatchWork work, KeptBatch kept)
{
    const int LinesAtOnce = 4;
    const int ResultsAtOnce = 64;
    static readonly TimeSpan LookInterval = TimeSpan.FromSeconds(1);

    protected ContentStore Contents => work.Contents;

    protected GatewayOptions Options => work.Options;

    protected KeptBatch Kept => kept;

    protected DateTimeOffset Now => work.Options.Clock.GetUtcNow();

    /// <summary>Where its lines go.</summary>
    protected abstract BatchTarget Target { get; }

    /// <summary>When it ends, done or not.</summary>
    protected abstract DateTimeOffset Expires { get; }

    /// <summary>What a batch has become whose lines were run before, or null while they are to be run.</summary>
    protected abstract BatchEnd? End { get; }

    internal async Task RunAsync(CancellationToken stopping)
    {
        if (!await BeginAsync(stopping))
            return;
        if (End is not { } end)
        {
            end = await RunLinesAsync(stopping);
            await EndLinesAsync(end, stopping);
        }

        await FinishAsync(end, stopping);
        await Contents.Batches.RemoveResultsAsync(kept.Id, stopping);
    }

    /// <summary>Looks whether there is anything to run; where there is not, the batch has ended.</summary>
    protected abstract Task<bool> BeginAsync(CancellationToken cancellationToken);

    /// <summary>Its lines, in their order.</summary>
    protected abstract IAsyncEnumerable<BatchLine> LinesAsync(CancellationToken cancellationToken);

    /// <summary>What is kept of a line that was answered.</summary>
    protected abstract BatchResult ToResult(BatchLine line, BatchLineAnswer answer);

    /// <summary>No further line is run: says so, for whoever goes on from here.</summary>
    protected abstract Task EndLinesAsync(BatchEnd end, CancellationToken cancellationToken);

    /// <summary>Writes what became of the lines, and the batch's end.</summary>
    protected abstract Task FinishAsync(BatchEnd end, CancellationToken cancellationToken);

    /// <summary>What became of the lines that have ended, in their order. Holds the batch meanwhile.</summary>
    /// <exception cref="BatchLostException">Another gateway holds the batch.</exception>
    protected async IAsyncEnumerable<BatchResult> ResultsAsync([EnumeratorCancellation] CancellationToken cancellationToken)
    {
        int last = 0;
        while (await Contents.Batches.FindResultsAsync(kept, last, ResultsAtOnce, cancellationToken) is { Count: > 0 } results)
        {
            foreach (BatchResult result in results)
                yield return result;
            last = results[^1].Line;
            if (!await Contents.Batches.HoldOnAsync(work.Holder, kept.Id, cancellationToken))
                throw new BatchLostException();
        }
    }

    /// <summary>Writes how the batch stands.</summary>
    /// <exception cref="BatchLostException">Another gateway holds the batch.</exception>
    protected async Task SaveAsync(byte[] content, bool isOpen, CancellationToken cancellationToken)
    {
        if (!await Contents.Batches.UpdateAsync(work.Holder, kept with { Content = content }, isOpen, cancellationToken))
            throw new BatchLostException();
    }

    /// <summary>An id for something that the batch makes.</summary>
    protected string CreateId(string prefix) => prefix + work.Ids.Create();

    /// <summary>Runs the lines that have not ended, and says what the batch has become.</summary>
    async Task<BatchEnd> RunLinesAsync(CancellationToken stopping)
    {
        HashSet<int> done = await Contents.Batches.FindDoneAsync(kept.Id, stopping);
        using var cut = CancellationTokenSource.CreateLinkedTokenSource(stopping);
        Task<BatchEnd> looking = LookAsync(cut);
        try
        {
            await Parallel.ForEachAsync(
                LinesAsync(cut.Token), new ParallelOptions { MaxDegreeOfParallelism = LinesAtOnce, CancellationToken = cut.Token }, async (line, token) =>
                {
                    if (done.Contains(line.Number))
                        return;
                    BatchLineAnswer answer = await work.Lines.RunAsync(kept.AccountId, Target, line, token);
                    await Contents.Batches.AddResultAsync(kept, ToResult(line, answer), token);
                });
        }
        catch (OperationCanceledException) when (!stopping.IsCancellationRequested && cut.IsCancellationRequested)
        {
        }
        finally
        {
            await cut.CancelAsync();
            await looking.ContinueWith(_ => { }, TaskScheduler.Default);
        }

        return await looking;
    }

    /// <summary>Looks every second whether the batch is to end early, holds it meanwhile, and cuts it off where it is; says what it becomes.</summary>
    async Task<BatchEnd> LookAsync(CancellationTokenSource cut)
    {
        try
        {
            while (true)
            {
                if (Now >= Expires)
                    return await CutAsync(BatchEnd.Expired);
                if (!await Contents.Batches.HoldOnAsync(work.Holder, kept.Id, cut.Token))
                    throw new BatchLostException();
                if ((await Contents.Batches.FindAsync(kept.AccountId, kept.Id, cut.Token))?.Cancelled is not null)
                    return await CutAsync(BatchEnd.Cancelled);
                await Task.Delay(LookInterval, work.Options.Clock, cut.Token);
            }
        }
        catch (OperationCanceledException)
        {
            return BatchEnd.Completed;
        }
        catch
        {
            await cut.CancelAsync();
            throw;
        }

        async Task<BatchEnd> CutAsync(BatchEnd end)
        {
            await cut.CancelAsync();
            return end;
        }
    }
}

/// <summary>Another gateway has taken over a batch, which this one therefore leaves.</summary>
internal sealed class BatchLostException() : Exception("Another gateway holds the batch.");
