using System.Text.Json;
using Formation.Inference.Gateway.Contents;
using Formation.Inference.Gateway.Telemetry;

namespace Formation.Inference.Gateway.OpenAI.Batches;

/// <summary>Takes one batch from where it is to its end. What has ended is kept line by line, so that a restart runs no line again that has.</summary>
internal sealed class BatchRun(
    ContentStore contents, BatchLineRunner lines, RequestIds ids, GatewayOptions options, string holder, KeptBatch kept)
{
    /// <summary>Lines in one batch.</summary>
    internal const int MaxLines = 50_000;

    const int MaxErrors = 100;
    const int LinesAtOnce = 4;
    const int ResultsAtOnce = 64;
    static readonly TimeSpan LookInterval = TimeSpan.FromSeconds(1);

    BatchState _state = JsonSerializer.Deserialize(kept.Content, OpenAIJsonContext.Answers.BatchState)!;

    BatchObject Batch => _state.Batch;

    string Account => kept.AccountId;

    internal async Task RunAsync(CancellationToken stopping)
    {
        if (await contents.Files.FindAsync(Account, Batch.InputFileId, stopping) is not { } file)
        {
            await FailAsync([new BatchError("input_file_not_found", null, "The input file is not there any more.", "input_file_id")], stopping);
            return;
        }

        if (Batch.Status == BatchStatus.Validating && !await ValidateAsync(file, stopping))
            return;
        string end = Batch.Status == BatchStatus.InProgress ? await RunLinesAsync(file, stopping) : EndOf(Batch);
        if (Batch.Status == BatchStatus.InProgress)
            await SaveAsync(Batch with
            {
                Status = BatchStatus.Finalizing,
                FinalizingAt = Now(),
                CancellingAt = end == BatchStatus.Cancelled ? Now() : null,
                ExpiredAt = end == BatchStatus.Expired ? Now() : null,
            }, isOpen: true, stopping);
        await FinishAsync(file, end, stopping);
    }

    /// <summary>What a batch whose files are being written is to become.</summary>
    static string EndOf(BatchObject batch) =>
        batch.CancellingAt is not null ? BatchStatus.Cancelled : batch.ExpiredAt is not null ? BatchStatus.Expired : BatchStatus.Completed;

    async Task<bool> ValidateAsync(KeptFile file, CancellationToken cancellationToken)
    {
        var errors = new List<BatchError>();
        var customIds = new HashSet<string>(StringComparer.Ordinal);
        await foreach (RawLine raw in LinesOf(file, cancellationToken))
        {
            (BatchLine? line, BatchError? error) = BatchLines.Parse(raw, Batch.Endpoint);
            if (error is null && line is not null && !customIds.Add(line.CustomId))
                error = new BatchError("duplicate_custom_id", raw.Number, "Another line has the same 'custom_id'.", "custom_id");
            if (error is null && customIds.Count > MaxLines)
                error = new BatchError("too_many_requests", raw.Number, $"The file has more than {MaxLines} requests, which is the limit.", null);
            if (error is not null)
                errors.Add(error);
            if (errors.Count == MaxErrors || error?.Code == "too_many_requests")
                break;
        }

        if (customIds.Count == 0 && errors.Count == 0)
            errors.Add(new BatchError("empty_file", null, "The file has no requests.", "input_file_id"));
        if (errors.Count > 0)
        {
            await FailAsync(errors, cancellationToken);
            return false;
        }

        await SaveAsync(
            Batch with { Status = BatchStatus.InProgress, InProgressAt = Now(), RequestCounts = new BatchCounts(customIds.Count, 0, 0) }, isOpen: true, cancellationToken);
        return true;
    }

    /// <summary>Runs the lines that have not ended, and says what the batch has become.</summary>
    async Task<string> RunLinesAsync(KeptFile file, CancellationToken stopping)
    {
        HashSet<int> done = await contents.Batches.FindDoneAsync(kept.Id, stopping);
        using var cut = CancellationTokenSource.CreateLinkedTokenSource(stopping);
        Task<string?> looking = LookAsync(cut);
        try
        {
            await Parallel.ForEachAsync(
                LinesOf(file, cut.Token), new ParallelOptions { MaxDegreeOfParallelism = LinesAtOnce, CancellationToken = cut.Token }, async (raw, token) =>
                {
                    if (done.Contains(raw.Number) || BatchLines.Parse(raw, Batch.Endpoint).Line is not { } line)
                        return;
                    BatchLineAnswer answer = await lines.RunAsync(Account, Batch.Endpoint, line, token);
                    await KeepAsync(line, answer, null, isError: answer.StatusCode >= 400, token);
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

        return await looking ?? BatchStatus.Completed;
    }

    /// <summary>Looks every second whether the batch is to end early, holds it meanwhile, and cuts it off where it is; says what it becomes then.</summary>
    async Task<string?> LookAsync(CancellationTokenSource cut)
    {
        try
        {
            while (true)
            {
                if (Now() >= Batch.ExpiresAt)
                    return await CutAsync(BatchStatus.Expired);
                if (!await contents.Batches.HoldOnAsync(holder, kept.Id, cut.Token))
                    throw new BatchLostException();
                if ((await contents.Batches.FindAsync(Account, kept.Id, cut.Token))?.Cancelled is not null)
                    return await CutAsync(BatchStatus.Cancelled);
                await Task.Delay(LookInterval, options.Clock, cut.Token);
            }
        }
        catch (OperationCanceledException)
        {
            return null;
        }
        catch
        {
            await cut.CancelAsync();
            throw;
        }

        async Task<string> CutAsync(string end)
        {
            await cut.CancelAsync();
            return end;
        }
    }

    async Task FinishAsync(KeptFile file, string end, CancellationToken cancellationToken)
    {
        if (end == BatchStatus.Expired)
        {
            HashSet<int> done = await contents.Batches.FindDoneAsync(kept.Id, cancellationToken);
            await foreach (RawLine raw in LinesOf(file, cancellationToken))
                if (!done.Contains(raw.Number) && BatchLines.Parse(raw, Batch.Endpoint).Line is { } line)
                    await KeepAsync(
                        line, null, new BatchLineError("batch_expired", "This request could not be executed before the completion window expired."), isError: true, cancellationToken);
        }

        var output = new FileWriter(contents.Files, Account, "file-" + ids.Create());
        var failed = new FileWriter(contents.Files, Account, "file-" + ids.Create());
        int last = 0;
        while (await contents.Batches.FindResultsAsync(kept, last, ResultsAtOnce, cancellationToken) is { Count: > 0 } results)
        {
            foreach (BatchResult result in results)
                await (result.IsError ? failed : output).WriteAsync(result.Content, cancellationToken);
            last = results[^1].Line;
            if (!await contents.Batches.HoldOnAsync(holder, kept.Id, cancellationToken))
                throw new BatchLostException();
        }

        var lifetime = TimeSpan.FromSeconds(_state.OutputSeconds);
        (int completed, int failures) = await contents.Batches.CountAsync(kept.Id, cancellationToken);
        await SaveAsync(Batch with
        {
            Status = end,
            OutputFileId = await output.EndAsync("batch_output", $"{kept.Id}_output.jsonl", lifetime, cancellationToken),
            ErrorFileId = await failed.EndAsync("batch_output", $"{kept.Id}_error.jsonl", lifetime, cancellationToken),
            RequestCounts = Batch.RequestCounts with { Completed = completed, Failed = failures },
            CompletedAt = end == BatchStatus.Completed ? Now() : null,
            CancelledAt = end == BatchStatus.Cancelled ? Now() : null,
        }, isOpen: false, cancellationToken);
        await contents.Batches.RemoveResultsAsync(kept.Id, cancellationToken);
    }

    IAsyncEnumerable<RawLine> LinesOf(KeptFile file, CancellationToken cancellationToken) =>
        BatchLines.SplitAsync(contents.Files.ReadAsync(file, cancellationToken), options.MaxRequestBodyBytes, cancellationToken);

    Task KeepAsync(BatchLine line, BatchLineAnswer? answer, BatchLineError? error, bool isError, CancellationToken cancellationToken)
    {
        byte[] told = JsonSerializer.SerializeToUtf8Bytes(
            new BatchOutputLine("batch_req_" + ids.Create(), line.CustomId, answer, error), OpenAIJsonContext.Answers.BatchOutputLine);
        return contents.Batches.AddResultAsync(kept, new BatchResult(line.Number, isError, [.. told, (byte)'\n']), cancellationToken);
    }

    Task FailAsync(IReadOnlyList<BatchError> errors, CancellationToken cancellationToken) => SaveAsync(
        Batch with { Status = BatchStatus.Failed, FailedAt = Now(), Errors = new BatchErrorList("list", errors) }, isOpen: false, cancellationToken);

    async Task SaveAsync(BatchObject batch, bool isOpen, CancellationToken cancellationToken)
    {
        _state = _state with { Batch = batch };
        byte[] content = JsonSerializer.SerializeToUtf8Bytes(_state, OpenAIJsonContext.Answers.BatchState);
        if (!await contents.Batches.UpdateAsync(holder, kept with { Content = content }, isOpen, cancellationToken))
            throw new BatchLostException();
    }

    long Now() => options.Clock.GetUtcNow().ToUnixTimeSeconds();
}

/// <summary>Another gateway has taken over a batch, which this one therefore leaves.</summary>
internal sealed class BatchLostException() : Exception("Another gateway holds the batch.");
