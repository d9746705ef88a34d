using System.Text.Json;
using Formation.Inference.Gateway.Auth;
using Formation.Inference.Gateway.Contents;
using Formation.Inference.Gateway.Errors;
using Formation.Inference.Gateway.OpenAI.Parameters;
using Formation.Inference.Gateway.Requests;
using Formation.Inference.Gateway.Streaming;
using Microsoft.AspNetCore.Http;
using static Formation.Inference.Gateway.Requests.ParameterChecks;

namespace Formation.Inference.Gateway.OpenAI.ChatCompletions.Kept;

/// <summary>The routes of chat completions that were kept. One of another account is as one that is not there.</summary>
internal sealed class KeptCompletionsHandler(GatewayOptions options)
{
    const int MaxLimit = 100;
    const int DefaultLimit = 20;

    /// <summary>Pairs of metadata that a list may be asked for: as many as a completion has.</summary>
    const int MaxPairs = 16;

    internal static JsonElement NoMetadata { get; } = JsonElement.Parse("{}"u8);

    internal async Task ListAsync(HttpContext context)
    {
        (CompletionTable completions, string account) = Asked(context);
        PageQuery page = PageQuery.Of(context, DefaultLimit, MaxLimit, isAscending: true);
        KeptCompletion? after = page.After is { } id
            ? await completions.FindAsync(account, id, context.RequestAborted) ?? throw InvalidValue("after", $"there is no chat completion with the id '{Shorten(id)}'.")
            : null;
        string? model = context.Request.Query["model"];
        IReadOnlyList<KeptCompletion> found = await completions.ListAsync(
            account, model, MetadataOf(context.Request.Query), after, page.IsAscending, page.Limit + 1, context.RequestAborted);
        KeptCompletion[] shown = [.. found.Take(page.Limit)];
        await WholeAnswer.WriteAsync(
            context,
            new StoredCompletionList(
                "list", [.. shown.Select(Show)], shown.FirstOrDefault()?.Id, shown.LastOrDefault()?.Id, found.Count > page.Limit),
            OpenAIJsonContext.Answers.StoredCompletionList);
    }

    internal async Task GetAsync(HttpContext context) =>
        await WholeAnswer.WriteAsync(context, Show(await FindAsync(context)), OpenAIJsonContext.Answers.JsonElement);

    internal async Task UpdateAsync(HttpContext context)
    {
        (CompletionTable completions, string account) = Asked(context);
        CompletionUpdate body = await JsonBody.ReadAsync(context, OpenAIJsonContext.Requests.CompletionUpdate, options.MaxRequestBodyBytes);
        var ignored = new IgnoredFields();
        ignored.Add(body.Unknown);
        ignored.Tell(context.Response);
        if (body.Metadata.ValueKind == JsonValueKind.Undefined)
            throw Missing("metadata");
        JsonElement metadata = body.Metadata.ValueKind == JsonValueKind.Null ? NoMetadata : body.Metadata;
        MetadataRules.Check(metadata);
        string id = IdOf(context);
        byte[] noted = JsonSerializer.SerializeToUtf8Bytes(metadata, OpenAIJsonContext.Answers.JsonElement);
        if (!await completions.NoteAsync(account, id, noted, context.RequestAborted))
            throw NotFound(id);
        await GetAsync(context);
    }

    internal async Task DeleteAsync(HttpContext context)
    {
        (CompletionTable completions, string account) = Asked(context);
        string id = IdOf(context);
        if (!await completions.RemoveAsync(account, id, context.RequestAborted))
            throw NotFound(id);
        await WholeAnswer.WriteAsync(context, new CompletionDeleted(id, "chat.completion.deleted", Deleted: true), OpenAIJsonContext.Answers.CompletionDeleted);
    }

    internal async Task MessagesAsync(HttpContext context)
    {
        (CompletionTable completions, string account) = Asked(context);
        PageQuery page = PageQuery.Of(context, DefaultLimit, MaxLimit, isAscending: true);
        string id = IdOf(context);
        byte[] kept = await completions.FindMessagesAsync(account, id, context.RequestAborted) ?? throw NotFound(id);
        (StoredMessage[] shown, bool hasMore) = page.Cut(
            JsonSerializer.Deserialize(kept, OpenAIJsonContext.Answers.StoredMessageArray)!, message => message.Id, "message of the chat completion");
        await WholeAnswer.WriteAsync(
            context, new StoredMessageList("list", shown, shown.FirstOrDefault()?.Id, shown.LastOrDefault()?.Id, hasMore), OpenAIJsonContext.Answers.StoredMessageList);
    }

    /// <summary>A completion as clients get it: as it was answered, with what is noted of it.</summary>
    static JsonElement Show(KeptCompletion kept)
    {
        byte[] shown = [.. kept.Answer.AsSpan(0, kept.Answer.Length - 1), .. ",\"metadata\":"u8, .. kept.Metadata, (byte)'}'];
        return JsonElement.Parse(shown);
    }

    /// <summary>The metadata that completions must have to be listed: <c>metadata[name]=value</c>.</summary>
    static (string Name, string Value)[] MetadataOf(IQueryCollection query)
    {
        const string Begin = "metadata[";
        (string, string)[] pairs =
        [
            .. query.Where(pair => pair.Key.StartsWith(Begin, StringComparison.Ordinal) && pair.Key.EndsWith(']'))
                .Select(pair => (pair.Key[Begin.Length..^1], pair.Value.ToString())),
        ];
        return pairs.Length <= MaxPairs ? pairs : throw InvalidValue("metadata", $"it has more than {MaxPairs} pairs, which is the limit.");
    }

    async Task<KeptCompletion> FindAsync(HttpContext context)
    {
        (CompletionTable completions, string account) = Asked(context);
        string id = IdOf(context);
        return await completions.FindAsync(account, id, context.RequestAborted) ?? throw NotFound(id);
    }

    static string IdOf(HttpContext context) => (string)context.Request.RouteValues["id"]!;

    (CompletionTable Completions, string Account) Asked(HttpContext context) => (
        (options.Contents ?? throw new ApiErrorException(ApiErrors.KeepsNothing("chat completions"))).Completions,
        Caller.Of(context).AccountId);

    static ApiErrorException NotFound(string id) => new(new ApiError(
        404, ApiError.InvalidRequest, null, $"No chat completion found with id '{Shorten(id)}'; those that were made with 'store' are kept.")
    { Param = "id" });
}
