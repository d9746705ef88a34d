using System.Runtime.CompilerServices;
using System.Text.Json;
using Formation.Inference.Gateway.Batches;
using Formation.Inference.Gateway.Contents;

namespace Formation.Inference.Gateway.OpenAI.Batches;

/// <summary>A batch of OpenAI's: its lines are a file's, and what they were answered becomes two further files.</summary>
internal sealed class FileBatchRun(BatchWork work, KeptBatch kept) : BatchRun(work, kept)
{
    /// <summary>Lines in one batch.</summary>
    internal const int MaxLines = 50_000;

    const int MaxErrors = 100;

    BatchState _state = JsonSerializer.Deserialize(kept.Content, OpenAIJsonContext.Answers.BatchState)!;
    KeptFile? _file;

    protected override BatchTarget Target => new(Batch.Endpoint);

    protected override DateTimeOffset Expires => DateTimeOffset.FromUnixTimeSeconds(Batch.ExpiresAt);

    protected override BatchEnd? End => Batch.Status != BatchStatus.Finalizing ? null
        : Batch.CancellingAt is not null ? BatchEnd.Cancelled
        : Batch.ExpiredAt is not null ? BatchEnd.Expired
        : BatchEnd.Completed;

    BatchObject Batch => _state.Batch;

    long Seconds => Now.ToUnixTimeSeconds();

    protected override async Task<bool> BeginAsync(CancellationToken cancellationToken)
    {
        _file = await Contents.Files.FindAsync(Kept.AccountId, Batch.InputFileId, cancellationToken);
        if (_file is not null)
            return Batch.Status != BatchStatus.Validating || await ValidateAsync(cancellationToken);
        await FailAsync([new BatchError("input_file_not_found", null, "The input file is not there any more.", "input_file_id")], cancellationToken);
        return false;
    }

    protected override async IAsyncEnumerable<BatchLine> LinesAsync([EnumeratorCancellation] CancellationToken cancellationToken)
    {
        await foreach (RawLine raw in RawLinesAsync(cancellationToken))
            if (BatchLines.Parse(raw, Batch.Endpoint).Line is { } line)
                yield return line;
    }

    protected override BatchResult ToResult(BatchLine line, BatchLineAnswer answer) => ToResult(line, answer, null, isError: answer.StatusCode >= 400);

    protected override Task EndLinesAsync(BatchEnd end, CancellationToken cancellationToken) => SaveAsync(
        Batch with
        {
            Status = BatchStatus.Finalizing,
            FinalizingAt = Seconds,
            CancellingAt = end == BatchEnd.Cancelled ? Seconds : null,
            ExpiredAt = end == BatchEnd.Expired ? Seconds : null,
        },
        isOpen: true,
        cancellationToken);

    protected override async Task FinishAsync(BatchEnd end, CancellationToken cancellationToken)
    {
        if (end == BatchEnd.Expired)
            await ExpireAsync(cancellationToken);
        var output = new FileWriter(Contents.Files, Kept.AccountId, CreateId("file-"));
        var failed = new FileWriter(Contents.Files, Kept.AccountId, CreateId("file-"));
        await foreach (BatchResult result in ResultsAsync(cancellationToken))
            await (result.IsError ? failed : output).WriteAsync(result.Content, cancellationToken);

        var lifetime = TimeSpan.FromSeconds(_state.OutputSeconds);
        (int completed, int failures) = await Contents.Batches.CountAsync(Kept.Id, cancellationToken);
        await SaveAsync(
            Batch with
            {
                Status = end switch { BatchEnd.Cancelled => BatchStatus.Cancelled, BatchEnd.Expired => BatchStatus.Expired, _ => BatchStatus.Completed },
                OutputFileId = await output.EndAsync("batch_output", $"{Kept.Id}_output.jsonl", lifetime, cancellationToken),
                ErrorFileId = await failed.EndAsync("batch_output", $"{Kept.Id}_error.jsonl", lifetime, cancellationToken),
                RequestCounts = Batch.RequestCounts with { Completed = completed, Failed = failures },
                CompletedAt = end == BatchEnd.Completed ? Seconds : null,
                CancelledAt = end == BatchEnd.Cancelled ? Seconds : null,
            },
            isOpen: false,
            cancellationToken);
    }

    async Task<bool> ValidateAsync(CancellationToken cancellationToken)
    {
        var errors = new List<BatchError>();
        var customIds = new HashSet<string>(StringComparer.Ordinal);
        await foreach (RawLine raw in RawLinesAsync(cancellationToken))
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
            Batch with { Status = BatchStatus.InProgress, InProgressAt = Seconds, RequestCounts = new BatchCounts(customIds.Count, 0, 0) }, isOpen: true, cancellationToken);
        return true;
    }

    /// <summary>The lines that were not run are told as errors.</summary>
    async Task ExpireAsync(CancellationToken cancellationToken)
    {
        HashSet<int> done = await Contents.Batches.FindDoneAsync(Kept.Id, cancellationToken);
        var error = new BatchLineError("batch_expired", "This request could not be executed before the completion window expired.");
        await foreach (BatchLine line in LinesAsync(cancellationToken))
            if (!done.Contains(line.Number))
                await Contents.Batches.AddResultAsync(Kept, ToResult(line, null, error, isError: true), cancellationToken);
    }

    IAsyncEnumerable<RawLine> RawLinesAsync(CancellationToken cancellationToken) =>
        Lines.SplitAsync(Contents.Files.ReadAsync(_file!, cancellationToken), Options.MaxRequestBodyBytes, cancellationToken);

    BatchResult ToResult(BatchLine line, BatchLineAnswer? answer, BatchLineError? error, bool isError)
    {
        byte[] told = JsonSerializer.SerializeToUtf8Bytes(
            new BatchOutputLine(CreateId("batch_req_"), line.CustomId, answer, error), OpenAIJsonContext.Answers.BatchOutputLine);
        return new BatchResult(line.Number, isError, [.. told, (byte)'\n']);
    }

    Task FailAsync(IReadOnlyList<BatchError> errors, CancellationToken cancellationToken) => SaveAsync(
        Batch with { Status = BatchStatus.Failed, FailedAt = Seconds, Errors = new BatchErrorList("list", errors) }, isOpen: false, cancellationToken);

    Task SaveAsync(BatchObject batch, bool isOpen, CancellationToken cancellationToken)
    {
        _state = _state with { Batch = batch };
        return SaveAsync(JsonSerializer.SerializeToUtf8Bytes(_state, OpenAIJsonContext.Answers.BatchState), isOpen, cancellationToken);
    }
}
