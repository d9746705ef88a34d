using System.Globalization;
using System.Text.Json;
using Formation.Inference.Gateway.Auth;
using Formation.Inference.Gateway.Contents;
using Formation.Inference.Gateway.Errors;
using Formation.Inference.Gateway.OpenAI.Parameters;
using Formation.Inference.Gateway.OpenAI.Responses.Background;
using Formation.Inference.Gateway.OpenAI.Responses.Items;
using Formation.Inference.Gateway.Requests;
using Formation.Inference.Gateway.Streaming;
using Microsoft.AspNetCore.Http;
using static Formation.Inference.Gateway.Requests.ParameterChecks;

namespace Formation.Inference.Gateway.OpenAI.Responses;

/// <summary>The routes of responses that were kept. One of another account is as one that is not there.</summary>
internal sealed class KeptResponsesHandler(GatewayOptions options, StreamedAnswer streamed, BackgroundResponses background, ResponseEventReader reader)
{
    const int MaxLimit = 100;
    const int DefaultLimit = 20;

    internal async Task GetAsync(HttpContext context)
    {
        byte[] answer = await FindAsync(context);
        if (!IsTrue(context, "stream"))
        {
            if (context.Request.Query.ContainsKey("starting_after"))
                throw InvalidValue("starting_after", "it is only allowed when 'stream' is true.");
            await WriteAsync(context, answer);
            return;
        }

        if (IsTrue(context, "include_obfuscation"))
            throw UnsupportedValue("include_obfuscation", "events are not padded here; leave it out or send false.");
        (_, string id, string account) = Asked(context);
        int after = StartingAfter(context);
        if (!Read(answer).Background)
            throw UnsupportedValue("stream", "only a response in the background can be streamed later, and this one is none; leave it out.");
        if (!await reader.HasEventsAsync(account, id, context.RequestAborted))
            throw UnsupportedValue("stream", $"the response was not created with 'stream', or ended more than {ResponseEventTable.Lifetime.TotalHours} h ago; leave it out.");
        await streamed.SendAsync(context, token => reader.ReadAsync(account, id, after, token), new KeptEventStream());
    }

    internal async Task DeleteAsync(HttpContext context)
    {
        (ContentStore contents, string id, string account) = Asked(context);
        if (!await contents.Responses.RemoveAsync(account, id, context.RequestAborted))
            throw NotFound(id);
        background.Cut(id);
        await contents.OpenResponses.RemoveAsync(id, context.RequestAborted);
        await contents.ResponseEvents.RemoveAsync(id, context.RequestAborted);
        await WholeAnswer.WriteAsync(context, new ResponseDeleted(id, "response", Deleted: true), OpenAIJsonContext.Answers.ResponseDeleted);
    }

    internal async Task CancelAsync(HttpContext context)
    {
        (ContentStore contents, string id, string account) = Asked(context);
        ResponseObject response = Read(await FindAsync(context));
        if (!response.Background)
            throw new ApiErrorException(ApiError.BadParameter(
                null, "invalid_value", "Only a response that runs in the background can be cancelled. To end one that is streamed, close its connection."));
        byte[] cancelled = JsonSerializer.SerializeToUtf8Bytes(
            response with { Status = ResponseStatus.Cancelled }, OpenAIJsonContext.Answers.ResponseObject);
        if (await contents.Responses.EndUnansweredAsync(account, id, cancelled, context.RequestAborted))
        {
            background.Cut(id);
            await contents.OpenResponses.RemoveAsync(id, context.RequestAborted);
            await contents.ResponseEvents.EndAsync(id, context.RequestAborted);
        }

        // Of one that has ended before, the end is told.
        await WriteAsync(context, await FindAsync(context));
    }

    internal async Task InputItemsAsync(HttpContext context)
    {
        (ContentStore contents, string id, string account) = Asked(context);
        PageQuery query = PageQuery.Of(context, DefaultLimit, MaxLimit);
        byte[] kept = await contents.Responses.FindItemsAsync(account, id, context.RequestAborted) ?? throw NotFound(id);
        (ResponseItem[] page, bool hasMore) = query.Cut(ConversationSource.Read(kept).Input, item => item.Id, "input item of the response");
        await WholeAnswer.WriteAsync(
            context, new ResponseItemList("list", page, page.FirstOrDefault()?.Id, page.LastOrDefault()?.Id, hasMore), OpenAIJsonContext.Answers.ResponseItemList);
    }

    async Task<byte[]> FindAsync(HttpContext context)
    {
        (ContentStore contents, string id, string account) = Asked(context);
        return await contents.Responses.FindAnswerAsync(account, id, context.RequestAborted) ?? throw NotFound(id);
    }

    (ContentStore Contents, string Id, string Account) Asked(HttpContext context)
    {
        string id = (string)context.Request.RouteValues["id"]!;
        return (options.Contents ?? throw NotFound(id), id, Caller.Of(context).AccountId);
    }

    static bool IsTrue(HttpContext context, string name) => OneOf(name, context.Request.Query[name], "true", "false") == "true";

    static int StartingAfter(HttpContext context) => (string?)context.Request.Query["starting_after"] is not { } given ? -1
        : long.TryParse(given, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out long after) ? (int)Integer("starting_after", after, 0, int.MaxValue - 1)!
        : throw Fail("starting_after", "invalid_type", "Invalid type for 'starting_after': expected an integer, but got a string instead.");

    static ResponseObject Read(byte[] answer) => JsonSerializer.Deserialize(answer, OpenAIJsonContext.Answers.ResponseObject)!;

    static async Task WriteAsync(HttpContext context, byte[] answer)
    {
        context.Response.ContentType = "application/json; charset=utf-8";
        context.Response.ContentLength = answer.Length;
        await context.Response.Body.WriteAsync(answer, context.RequestAborted);
    }

    static ApiErrorException NotFound(string id) =>
        new(new ApiError(404, ApiError.InvalidRequest, null, $"Response with id '{Shorten(id)}' not found."));
}
