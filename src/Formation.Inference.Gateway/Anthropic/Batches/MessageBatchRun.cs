using System.Globalization;
using System.Runtime.CompilerServices;
using System.Text;
using System.Text.Json;
using Formation.Inference.Gateway.Batches;
using Formation.Inference.Gateway.Contents;

namespace Formation.Inference.Gateway.Anthropic.Batches;

/// <summary>A batch of Anthropic's: its requests and their results are hidden files.</summary>
internal sealed class MessageBatchRun(BatchWork work, KeptBatch kept) : BatchRun(work, kept)
{
    /// <summary>What the hidden files are for.</summary>
    internal const string RequestsPurpose = "message_batch_requests", ResultsPurpose = "message_batch_results";

    /// <summary>Stands between a request's custom_id, which has none, and its body.</summary>
    internal const byte Separator = (byte)' ';

    const int MaxCustomIdBytes = 65;

    MessageBatchState _state = JsonSerializer.Deserialize(kept.Content, AnthropicJsonContext.Answers.MessageBatchState)!;
    KeptFile? _requests;

    protected override BatchTarget Target => new("/v1/messages", (AnthropicVersion.Header, _state.Version));

    protected override DateTimeOffset Expires => DateTimeOffset.Parse(_state.Batch.ExpiresAt, CultureInfo.InvariantCulture);

    protected override BatchEnd? End => _state.End is { } end ? Enum.Parse<BatchEnd>(end) : null;

    protected override async Task<bool> BeginAsync(CancellationToken cancellationToken)
    {
        _requests = await Contents.Files.FindHiddenAsync(Kept.AccountId, _state.RequestsFileId, cancellationToken)
            ?? throw new InvalidDataException("The requests of a batch are not there any more.");
        return true;
    }

    protected override async IAsyncEnumerable<BatchLine> LinesAsync([EnumeratorCancellation] CancellationToken cancellationToken)
    {
        // A larger limit than that under which they were taken: the server may have been started with another one since.
        const int MaxLine = int.MaxValue - MaxCustomIdBytes;
        await foreach (RawLine raw in Lines.SplitAsync(Contents.Files.ReadAsync(_requests!, cancellationToken), MaxLine, cancellationToken))
        {
            int separator = raw.Bytes.AsSpan().IndexOf(Separator);
            yield return new BatchLine(raw.Number, Encoding.ASCII.GetString(raw.Bytes!, 0, separator), raw.Bytes![(separator + 1)..]);
        }
    }

    protected override BatchResult ToResult(BatchLine line, BatchLineAnswer answer)
    {
        bool isError = answer.StatusCode >= 400;
        return new BatchResult(line.Number, isError, Write(line, isError
            ? new MessageBatchResult(MessageBatchResult.Errored, Error: answer.Body)
            : new MessageBatchResult(MessageBatchResult.Succeeded, Message: answer.Body)));
    }

    protected override Task EndLinesAsync(BatchEnd end, CancellationToken cancellationToken) =>
        SaveAsync(_state with { End = $"{end}" }, isOpen: true, cancellationToken);

    protected override async Task FinishAsync(BatchEnd end, CancellationToken cancellationToken)
    {
        var results = new FileWriter(Contents.Files, Kept.AccountId, CreateId("file-"));
        byte[] Unrun(BatchLine line) =>
            Write(line, new MessageBatchResult(end == BatchEnd.Cancelled ? MessageBatchResult.Canceled : MessageBatchResult.Expired));
        (int succeeded, int errored, int unrun) = (0, 0, 0);
        await using IAsyncEnumerator<BatchResult> done = ResultsAsync(cancellationToken).GetAsyncEnumerator(cancellationToken);
        bool hasNext = await done.MoveNextAsync();
        await foreach (BatchLine line in LinesAsync(cancellationToken))
        {
            if (!hasNext || done.Current.Line != line.Number)
            {
                unrun++;
                await results.WriteAsync(Unrun(line), cancellationToken);
                continue;
            }

            if (done.Current.IsError)
                errored++;
            else
                succeeded++;
            await results.WriteAsync(done.Current.Content, cancellationToken);
            hasNext = await done.MoveNextAsync();
        }

        TimeSpan lifetime = Kept.Created + BatchTable.Lifetime - Now;
        string? file = await results.EndAsync(ResultsPurpose, Kept.Id, lifetime, cancellationToken, isHidden: true);
        KeptBatch? now = await Contents.Batches.FindAsync(Kept.AccountId, Kept.Id, cancellationToken);
        MessageBatch batch = _state.Batch with
        {
            ProcessingStatus = MessageBatch.Ended,
            EndedAt = MessageBatchState.Write(Now),
            CancelInitiatedAt = now?.Cancelled is { } cancelled ? MessageBatchState.Write(cancelled) : null,
            RequestCounts = end == BatchEnd.Cancelled
                ? new MessageBatchCounts(0, succeeded, errored, unrun, 0)
                : new MessageBatchCounts(0, succeeded, errored, 0, unrun),
        };
        await SaveAsync(_state with { Batch = batch, ResultsFileId = file }, isOpen: false, cancellationToken);
        await Contents.Files.RemoveAsync(Kept.AccountId, _state.RequestsFileId, cancellationToken);
    }

    static byte[] Write(BatchLine line, MessageBatchResult result) =>
        [.. JsonSerializer.SerializeToUtf8Bytes(new MessageBatchLine(line.CustomId, result), AnthropicJsonContext.Answers.MessageBatchLine), (byte)'\n'];

    Task SaveAsync(MessageBatchState state, bool isOpen, CancellationToken cancellationToken)
    {
        _state = state;
        return SaveAsync(JsonSerializer.SerializeToUtf8Bytes(_state, AnthropicJsonContext.Answers.MessageBatchState), isOpen, cancellationToken);
    }
}
