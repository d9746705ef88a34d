using System.Text;
using System.Text.Json;
using Formation.Inference.Gateway.Anthropic.Parameters;
using Formation.Inference.Gateway.Auth;
using Formation.Inference.Gateway.Batches;
using Formation.Inference.Gateway.Contents;
using Formation.Inference.Gateway.Errors;
using Formation.Inference.Gateway.Limits;
using Formation.Inference.Gateway.Streaming;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;
using static Formation.Inference.Gateway.Requests.ParameterChecks;

namespace Formation.Inference.Gateway.Anthropic.Batches;

/// <summary>The routes of batches of messages. One of another account is as one that is not there.</summary>
internal sealed class MessageBatchesHandler(GatewayOptions options, RequestGate gate, AnswerSource answers, BatchRunner runner)
{
    const string Path = "/v1/messages/batches";

    internal async Task CreateAsync(HttpContext context)
    {
        (ContentStore contents, string account) = Asked(context);
        using RequestGate.Permit permit = gate.Enter(account);
        MessageBatchReader reader = Open(context);
        string fileId = answers.CreateId("file-");
        try
        {
            int count = await KeepAsync(contents, account, fileId, reader, context.RequestAborted);
            DateTimeOffset now = options.Clock.GetUtcNow();
            var batch = new MessageBatch
            {
                Id = answers.CreateId("msgbatch_"),
                ProcessingStatus = MessageBatch.InProgress,
                RequestCounts = new MessageBatchCounts(count, 0, 0, 0, 0),
                CreatedAt = MessageBatchState.Write(now),
                ExpiresAt = MessageBatchState.Write(now.AddDays(1)),
            };
            var state = new MessageBatchState(batch, context.Request.Headers[AnthropicVersion.Header].ToString(), fileId, null, null);
            byte[] content = JsonSerializer.SerializeToUtf8Bytes(state, AnthropicJsonContext.Answers.MessageBatchState);
            var kept = new KeptBatch(batch.Id, account, MessageBatchDialect.Name, now, null, content);
            if (!await contents.Batches.TryAddAsync(kept, context.RequestAborted))
                throw new ApiErrorException(ApiErrors.TooManyBatches);
            runner.Wake();
            await WholeAnswer.WriteAsync(context, Show(context, kept), AnthropicJsonContext.Answers.MessageBatch);
        }
        catch (Exception) when (!context.Response.HasStarted)
        {
            // What came of it so far is of no use; the sweep finds it where this fails, too.
            await contents.Files.RemoveAsync(account, fileId, CancellationToken.None);
            throw;
        }
    }

    internal async Task ListAsync(HttpContext context)
    {
        (ContentStore contents, string account) = Asked(context);
        PageQuery page = PageQuery.Of(context);
        KeptBatch? next = await BesideAsync("after_id", page.AfterId) ?? await BesideAsync("before_id", page.BeforeId);
        bool isNewer = page.BeforeId is not null;
        IReadOnlyList<KeptBatch> found = await contents.Batches.ListAsync(
            account, MessageBatchDialect.Name, next, isNewer, page.Limit + 1, context.RequestAborted);
        IEnumerable<KeptBatch> nearest = found.Take(page.Limit);
        MessageBatch[] data = [.. (isNewer ? nearest.Reverse() : nearest).Select(batch => Show(context, batch))];
        await WholeAnswer.WriteAsync(
            context,
            new MessageBatchPage(data, found.Count > page.Limit, data.FirstOrDefault()?.Id, data.LastOrDefault()?.Id),
            AnthropicJsonContext.Answers.MessageBatchPage);

        async Task<KeptBatch?> BesideAsync(string param, string? id) => id is null
            ? null
            : await FindAsync(context, id) ?? throw InvalidValue(param, $"there is no batch '{Shorten(id)}'.");
    }

    internal async Task GetAsync(HttpContext context) =>
        await WholeAnswer.WriteAsync(context, Show(context, await FindAsync(context)), AnthropicJsonContext.Answers.MessageBatch);

    internal async Task CancelAsync(HttpContext context)
    {
        (ContentStore contents, string account) = Asked(context);
        KeptBatch batch = await FindAsync(context);
        if (!await contents.Batches.CancelAsync(account, batch.Id, context.RequestAborted))
            throw new ApiErrorException(ApiError.BadParameter(null, "invalid_value", $"The batch '{batch.Id}' has ended and can't be canceled any more."));
        await GetAsync(context);
    }

    internal async Task DeleteAsync(HttpContext context)
    {
        (ContentStore contents, string account) = Asked(context);
        KeptBatch batch = await FindAsync(context);
        if (!await contents.Batches.RemoveAsync(account, batch.Id, context.RequestAborted))
            throw new ApiErrorException(ApiError.BadParameter(
                null, "invalid_value", $"The batch '{batch.Id}' is still processed. Cancel it and wait until it has ended, then delete it."));
        if (Read(batch).ResultsFileId is { } results)
            await contents.Files.RemoveAsync(account, results, context.RequestAborted);
        await WholeAnswer.WriteAsync(
            context, new MessageBatchDeleted(batch.Id, "message_batch_deleted"), AnthropicJsonContext.Answers.MessageBatchDeleted);
    }

    internal async Task ResultsAsync(HttpContext context)
    {
        (ContentStore contents, string account) = Asked(context);
        KeptBatch batch = await FindAsync(context);
        KeptFile file = Read(batch).ResultsFileId is { } id && await contents.Files.FindHiddenAsync(account, id, context.RequestAborted) is { } found
            ? found
            : throw new ApiErrorException(new ApiError(
                404, ApiError.InvalidRequest, null, $"The batch '{batch.Id}' has no results yet. Wait until its 'processing_status' is '{MessageBatch.Ended}'."));
        HttpResponse response = context.Response;
        response.ContentType = "application/x-jsonl";
        response.ContentLength = file.Bytes;
        response.Headers.XContentTypeOptions = "nosniff";
        await foreach (byte[] part in contents.Files.ReadAsync(file, context.RequestAborted))
            await response.Body.WriteAsync(part, context.RequestAborted);
    }

    MessageBatchReader Open(HttpContext context)
    {
        HttpRequest request = context.Request;
        if (request.ContentLength > options.MaxFileBytes)
            throw new ApiErrorException(ApiErrors.BodyTooLarge(options.MaxFileBytes));
        if (request.Headers.ContentEncoding is { Count: > 0 } encoding && encoding != "identity")
            throw new ApiErrorException(ApiErrors.UnsupportedContentEncoding);
        if (request.ContentType is not null && !request.HasJsonContentType())
            throw new ApiErrorException(ApiErrors.UnsupportedContentType);

        // The reader counts what comes; the server's own limit must not say a smaller number before.
        if (context.Features.Get<IHttpMaxRequestBodySizeFeature>() is { IsReadOnly: false } size)
            size.MaxRequestBodySize = null;
        return new MessageBatchReader(request.Body, options.MaxFileBytes, options.MaxRequestBodyBytes);
    }

    /// <summary>Keeps the requests as lines of a hidden file, and says how many there are.</summary>
    static async Task<int> KeepAsync(ContentStore contents, string account, string fileId, MessageBatchReader reader, CancellationToken cancellationToken)
    {
        var file = new FileWriter(contents.Files, account, fileId) { CheckRoom = CheckRoomAsync };
        int count = 0;
        await foreach (BatchRequest request in reader.ReadAsync(cancellationToken))
        {
            count++;
            byte[] line = [.. Encoding.ASCII.GetBytes(request.CustomId), MessageBatchRun.Separator, .. request.Params, (byte)'\n'];
            await file.WriteAsync(line, cancellationToken);
        }

        await file.EndAsync(MessageBatchRun.RequestsPurpose, fileId, BatchTable.Lifetime, cancellationToken, isHidden: true);
        return count;

        async Task CheckRoomAsync(int bytes)
        {
            if (!await contents.Files.HasRoomAsync(account, bytes, cancellationToken))
                throw new ApiErrorException(ApiError.BadParameter(
                    null, "storage_limit_exceeded", "What is kept for the account is as many or as large as it may be. Delete batches or files, then try again."));
        }
    }

    /// <summary>A batch as clients get it.</summary>
    static MessageBatch Show(HttpContext context, KeptBatch kept)
    {
        MessageBatch batch = Read(kept).Batch;
        return batch.EndedAt is not null ? batch with { ResultsUrl = UrlOf(context.Request, $"{Path}/{kept.Id}/results") }
            : kept.Cancelled is { } cancelled ? batch with { ProcessingStatus = MessageBatch.Canceling, CancelInitiatedAt = MessageBatchState.Write(cancelled) }
            : batch;
    }

    /// <summary>A path of this server as its caller reaches it; behind a proxy that ends TLS, which says so, with TLS.</summary>
    static string UrlOf(HttpRequest request, string path)
    {
        string scheme = request.Headers["X-Forwarded-Proto"] == "https" ? "https" : request.Scheme;
        return request.Host.HasValue ? $"{scheme}://{request.Host}{path}" : path;
    }

    static MessageBatchState Read(KeptBatch kept) => JsonSerializer.Deserialize(kept.Content, AnthropicJsonContext.Answers.MessageBatchState)!;

    async Task<KeptBatch> FindAsync(HttpContext context)
    {
        string id = (string)context.Request.RouteValues["id"]!;
        return await FindAsync(context, id)
            ?? throw new ApiErrorException(new ApiError(404, ApiError.InvalidRequest, null, $"There is no batch '{Shorten(id)}'."));
    }

    async Task<KeptBatch?> FindAsync(HttpContext context, string id)
    {
        (ContentStore contents, string account) = Asked(context);
        KeptBatch? batch = await contents.Batches.FindAsync(account, id, context.RequestAborted);
        return batch?.Dialect == MessageBatchDialect.Name ? batch : null;
    }

    (ContentStore Contents, string Account) Asked(HttpContext context)
    {
        AnthropicVersion.Check(context.Request);
        return (
            options.Contents ?? throw new ApiErrorException(ApiErrors.KeepsNothing("batches")),
            Caller.Of(context).AccountId);
    }
}
