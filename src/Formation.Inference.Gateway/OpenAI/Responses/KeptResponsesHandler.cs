using Formation.Inference.Gateway.Auth;
using Formation.Inference.Gateway.Contents;
using Formation.Inference.Gateway.Errors;
using Formation.Inference.Gateway.OpenAI.Parameters;
using Formation.Inference.Gateway.OpenAI.Responses.Items;
using Formation.Inference.Gateway.Requests;
using Formation.Inference.Gateway.Streaming;
using Microsoft.AspNetCore.Http;
using static Formation.Inference.Gateway.Requests.ParameterChecks;

namespace Formation.Inference.Gateway.OpenAI.Responses;

/// <summary>The routes of responses that were kept. One of another account is as one that is not there.</summary>
internal sealed class KeptResponsesHandler(GatewayOptions options)
{
    const int MaxLimit = 100;
    const int DefaultLimit = 20;

    internal async Task GetAsync(HttpContext context)
    {
        if (context.Request.Query["stream"] == "true")
            throw UnsupportedValue("stream", "only a response in the background can be streamed later, and this server has none; leave it out.");
        await WriteAsync(context, await FindAsync(context));
    }

    internal async Task DeleteAsync(HttpContext context)
    {
        (ContentStore contents, string id, string account) = Asked(context);
        if (!await contents.Responses.RemoveAsync(account, id, context.RequestAborted))
            throw NotFound(id);
        await WholeAnswer.WriteAsync(context, new ResponseDeleted(id, "response", Deleted: true), OpenAIJsonContext.Answers.ResponseDeleted);
    }

    internal async Task CancelAsync(HttpContext context)
    {
        await FindAsync(context);
        throw new ApiErrorException(ApiError.BadParameter(
            null, "invalid_value", "Only a response that runs in the background can be cancelled, and this server has none. To end one that is streamed, close its connection."));
    }

    internal async Task InputItemsAsync(HttpContext context)
    {
        (ContentStore contents, string id, string account) = Asked(context);
        PageQuery query = PageQuery.Of(context, DefaultLimit, MaxLimit);
        byte[] kept = await contents.Responses.FindItemsAsync(account, id, context.RequestAborted) ?? throw NotFound(id);
        IReadOnlyList<ResponseItem> items = ConversationSource.Read(kept).Input;
        ResponseItem[] ordered = query.IsAscending ? [.. items] : [.. items.Reverse()];
        int begin = 0;
        if (query.After is { } after)
        {
            begin = Array.FindIndex(ordered, item => item.Id == after) + 1;
            if (begin == 0)
                throw InvalidValue("after", $"no input item of the response has the id '{Shorten(after)}'.");
        }

        ResponseItem[] page = [.. ordered.Skip(begin).Take(query.Limit)];
        await WholeAnswer.WriteAsync(
            context,
            new ResponseItemList("list", page, page.FirstOrDefault()?.Id, page.LastOrDefault()?.Id, begin + page.Length < ordered.Length),
            OpenAIJsonContext.Answers.ResponseItemList);
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

    static async Task WriteAsync(HttpContext context, byte[] answer)
    {
        context.Response.ContentType = "application/json; charset=utf-8";
        context.Response.ContentLength = answer.Length;
        await context.Response.Body.WriteAsync(answer, context.RequestAborted);
    }

    static ApiErrorException NotFound(string id) =>
        new(new ApiError(404, ApiError.InvalidRequest, null, $"Response with id '{Shorten(id)}' not found."));
}
