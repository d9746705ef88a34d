using System.Text.Json;
using Formation.Inference.Gateway.Auth;
using Formation.Inference.Gateway.Batches;
using Formation.Inference.Gateway.Contents;
using Formation.Inference.Gateway.Errors;
using Formation.Inference.Gateway.OpenAI.Parameters;
using Formation.Inference.Gateway.Requests;
using Formation.Inference.Gateway.Streaming;
using Microsoft.AspNetCore.Http;
using static Formation.Inference.Gateway.Requests.ParameterChecks;

namespace Formation.Inference.Gateway.OpenAI.Batches;

/// <summary>The routes of batches. One of another account is as one that is not there.</summary>
internal sealed class BatchesHandler(GatewayOptions options, AnswerSource answers, BatchLineRunner lines, BatchRunner runner)
{
    const int Day = 24 * 3600;
    const int MaxOutputSeconds = 30 * Day;

    static readonly string[] Endpoints = ["/v1/chat/completions", "/v1/completions", "/v1/responses", "/v1/embeddings"];

    internal async Task CreateAsync(HttpContext context)
    {
        (ContentStore contents, Caller caller) = Asked(context);
        BatchRequest body = await JsonBody.ReadAsync(context, OpenAIJsonContext.Requests.BatchRequest, options.MaxRequestBodyBytes);
        var ignored = new IgnoredFields();
        ignored.Add(body.Unknown);
        ignored.Tell(context.Response);
        string endpoint = body.Endpoint ?? throw Missing("endpoint");
        if (!Endpoints.Contains(endpoint))
            throw UnsupportedValue("endpoint", $"'{Shorten(endpoint)}' takes no batches here; send one of: '{string.Join("', '", Endpoints)}'.");
        AccessPolicy policy = lines.Find(endpoint).Metadata.GetMetadata<AccessPolicy>()!;
        if (!caller.Scopes.HasFlag(policy.Scope))
            throw new ApiErrorException(ApiErrors.MissingScope($"{policy.Scope}"));
        OneOf("completion_window", body.CompletionWindow ?? throw Missing("completion_window"), "24h");
        if (body.Metadata is { } metadata)
            MetadataRules.Check(metadata);
        long outputSeconds = OutputSeconds(body);
        string fileId = body.InputFileId ?? throw Missing("input_file_id");
        KeptFile file = await contents.Files.FindAsync(caller.AccountId, fileId, context.RequestAborted)
            ?? throw InvalidValue("input_file_id", $"there is no file with the id '{Shorten(fileId)}'.");
        if (file.Purpose != "batch")
            throw InvalidValue("input_file_id", $"the file's purpose is '{file.Purpose}'; it has to be 'batch'.");

        DateTimeOffset now = options.Clock.GetUtcNow();
        var batch = new BatchObject
        {
            Id = answers.CreateId("batch_"),
            Endpoint = endpoint,
            InputFileId = file.Id,
            Status = BatchStatus.Validating,
            CreatedAt = now.ToUnixTimeSeconds(),
            ExpiresAt = now.ToUnixTimeSeconds() + Day,
            Metadata = body.Metadata,
        };
        byte[] content = JsonSerializer.SerializeToUtf8Bytes(new BatchState(batch, outputSeconds), OpenAIJsonContext.Answers.BatchState);
        if (!await contents.Batches.TryAddAsync(new KeptBatch(batch.Id, caller.AccountId, BatchDialect.Name, now, null, content), context.RequestAborted))
            throw new ApiErrorException(ApiErrors.TooManyBatches);
        runner.Wake();
        await WholeAnswer.WriteAsync(context, batch, OpenAIJsonContext.Answers.BatchObject);
    }

    internal async Task ListAsync(HttpContext context)
    {
        (ContentStore contents, Caller caller) = Asked(context);
        PageQuery page = PageQuery.Of(context, defaultLimit: 20, maxLimit: 100);
        KeptBatch? after = page.After is { } id
            ? await FindAsync(context, id) ?? throw InvalidValue("after", $"there is no batch with the id '{Shorten(id)}'.")
            : null;
        IReadOnlyList<KeptBatch> found = await contents.Batches.ListAsync(
            caller.AccountId, BatchDialect.Name, after, isNewer: false, page.Limit + 1, context.RequestAborted);
        var data = new List<BatchObject>();
        foreach (KeptBatch batch in found.Take(page.Limit))
            data.Add(await ShowAsync(contents, batch, context.RequestAborted));
        await WholeAnswer.WriteAsync(
            context,
            new BatchList("list", data, data.FirstOrDefault()?.Id, data.LastOrDefault()?.Id, found.Count > page.Limit),
            OpenAIJsonContext.Answers.BatchList);
    }

    internal async Task GetAsync(HttpContext context)
    {
        (ContentStore contents, _) = Asked(context);
        await WholeAnswer.WriteAsync(
            context, await ShowAsync(contents, await FindAsync(context), context.RequestAborted), OpenAIJsonContext.Answers.BatchObject);
    }

    internal async Task CancelAsync(HttpContext context)
    {
        (ContentStore contents, Caller caller) = Asked(context);
        KeptBatch batch = await FindAsync(context);
        if (!await contents.Batches.CancelAsync(caller.AccountId, batch.Id, context.RequestAborted))
        {
            BatchObject ended = await ShowAsync(contents, await FindAsync(context), context.RequestAborted);
            throw new ApiErrorException(new ApiError(409, ApiError.InvalidRequest, null, $"Cannot cancel a batch with status '{ended.Status}'."));
        }

        await GetAsync(context);
    }

    /// <summary>A batch as clients get it: with what became of its lines so far, and with an end that was asked for.</summary>
    static async Task<BatchObject> ShowAsync(ContentStore contents, KeptBatch kept, CancellationToken cancellationToken)
    {
        BatchObject batch = JsonSerializer.Deserialize(kept.Content, OpenAIJsonContext.Answers.BatchState)!.Batch;
        if (batch.HasEnded)
            return batch;
        (int completed, int failed) = await contents.Batches.CountAsync(kept.Id, cancellationToken);
        batch = batch with { RequestCounts = batch.RequestCounts with { Completed = completed, Failed = failed } };
        return kept.Cancelled is { } cancelled
            ? batch with { Status = BatchStatus.Cancelling, CancellingAt = cancelled.ToUnixTimeSeconds() }
            : batch;
    }

    async Task<KeptBatch> FindAsync(HttpContext context)
    {
        string id = (string)context.Request.RouteValues["id"]!;
        return await FindAsync(context, id)
            ?? throw new ApiErrorException(new ApiError(404, ApiError.InvalidRequest, null, $"No batch found with id '{Shorten(id)}'.") { Param = "id" });
    }

    async Task<KeptBatch?> FindAsync(HttpContext context, string id)
    {
        (ContentStore contents, Caller caller) = Asked(context);
        KeptBatch? batch = await contents.Batches.FindAsync(caller.AccountId, id, context.RequestAborted);
        return batch?.Dialect == BatchDialect.Name ? batch : null;
    }

    static long OutputSeconds(BatchRequest body)
    {
        if (body.OutputExpiresAfter is not { } expiry)
            return MaxOutputSeconds;
        OneOf("output_expires_after.anchor", expiry.Anchor ?? throw Missing("output_expires_after.anchor"), "created_at");
        return Integer("output_expires_after.seconds", expiry.Seconds ?? throw Missing("output_expires_after.seconds"), 3600, MaxOutputSeconds)!.Value;
    }

    (ContentStore Contents, Caller Caller) Asked(HttpContext context) => (
        options.Contents ?? throw new ApiErrorException(ApiErrors.KeepsNothing("batches")),
        Caller.Of(context));
}
