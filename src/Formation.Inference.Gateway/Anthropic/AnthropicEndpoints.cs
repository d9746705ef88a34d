using Formation.Inference.Accounts.Keys;
using Formation.Inference.Gateway.Anthropic.Batches;
using Formation.Inference.Gateway.Anthropic.CountTokens;
using Formation.Inference.Gateway.Anthropic.Errors;
using Formation.Inference.Gateway.Anthropic.Messages;
using Formation.Inference.Gateway.Anthropic.Models;
using Formation.Inference.Gateway.Auth;
using Formation.Inference.Gateway.Batches;
using Formation.Inference.Gateway.Errors;
using Formation.Inference.Gateway.OpenApi;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.DependencyInjection;

namespace Formation.Inference.Gateway.Anthropic;

/// <summary>The routes of Anthropic's API that this server has. Those of its models are in <see cref="Gateway.Models.ModelRoutes"/>.</summary>
internal static class AnthropicEndpoints
{
    const string Tag = "Messages";

    internal static void AddAnthropic(this IServiceCollection services)
    {
        services.AddSingleton<IErrorDialect, AnthropicErrors>();
        services.AddSingleton<MessagesHandler>();
        services.AddSingleton<CountTokensHandler>();
        services.AddSingleton<ModelInfoHandler>();
        services.AddSingleton<IBatchDialect, MessageBatchDialect>();
        services.AddSingleton<MessageBatchesHandler>();
    }

    internal static void MapAnthropic(this IEndpointRouteBuilder routes)
    {
        IServiceProvider services = routes.ServiceProvider;
        var messages = services.GetRequiredService<MessagesHandler>();
        var tokens = services.GetRequiredService<CountTokensHandler>();

        routes.MapDescribed("POST", "/v1/messages", messages.HandleAsync, "createMessage", Tag, "Answers a conversation.")
            .RequireScope(KeyScopes.Chat)
            .Reads<MessagesRequest>().Answers<Message>()
            .Streams(
                typeof(MessageStartEvent), typeof(ContentBlockStartEvent), typeof(ContentBlockDeltaEvent), typeof(ContentBlockStopEvent),
                typeof(MessageDeltaEvent), typeof(PlainEvent), typeof(AnthropicErrorBody))
            .FailsWith<AnthropicErrorBody>(400, 401, 403, 404, 408, 413, 415, 429, 500, AnthropicErrors.Overloaded);
        routes.MapDescribed("POST", "/v1/messages/count_tokens", tokens.HandleAsync, "countMessageTokens", Tag, "Counts the tokens of a prompt.")
            .RequireScope(KeyScopes.Chat)
            .Reads<CountTokensRequest>().Answers<TokenCount>()
            .FailsWith<AnthropicErrorBody>(400, 401, 403, 404, 408, 413, 415, 429, 500, AnthropicErrors.Overloaded);
        MapBatches(routes);
    }

    static void MapBatches(IEndpointRouteBuilder routes)
    {
        const string Tag = "Message batches", Path = "/v1/messages/batches";
        var batches = routes.ServiceProvider.GetRequiredService<MessageBatchesHandler>();
        routes.MapDescribed("POST", Path, batches.CreateAsync, "createMessageBatch", Tag, "Answers many conversations within a day.")
            .RequireScope(KeyScopes.Chat)
            .Reads<MessageBatchRequest>().Answers<MessageBatch>()
            .FailsWith<AnthropicErrorBody>(400, 401, 403, 404, 408, 413, 415, 429, 500, AnthropicErrors.Overloaded);
        routes.MapDescribed("GET", Path, batches.ListAsync, "listMessageBatches", Tag, "Lists batches, newest first.")
            .RequireScope(KeyScopes.Chat).Answers<MessageBatchPage>().FailsWith<AnthropicErrorBody>(400, 401, 403, 404, 500, AnthropicErrors.Overloaded);
        routes.MapDescribed("GET", $"{Path}/{{id}}", batches.GetAsync, "retrieveMessageBatch", Tag, "Says how far a batch is.")
            .RequireScope(KeyScopes.Chat).Answers<MessageBatch>().FailsWith<AnthropicErrorBody>(400, 401, 403, 404, 500, AnthropicErrors.Overloaded);
        routes.MapDescribed("DELETE", $"{Path}/{{id}}", batches.DeleteAsync, "deleteMessageBatch", Tag, "Forgets a batch that has ended.")
            .RequireScope(KeyScopes.Chat).Answers<MessageBatchDeleted>().FailsWith<AnthropicErrorBody>(400, 401, 403, 404, 500, AnthropicErrors.Overloaded);
        routes.MapDescribed("POST", $"{Path}/{{id}}/cancel", batches.CancelAsync, "cancelMessageBatch", Tag, "Ends a batch before its time.")
            .RequireScope(KeyScopes.Chat).Answers<MessageBatch>().FailsWith<AnthropicErrorBody>(400, 401, 403, 404, 500, AnthropicErrors.Overloaded);
        routes.MapDescribed("GET", $"{Path}/{{id}}/results", batches.ResultsAsync, "retrieveMessageBatchResults", Tag, "Gives a batch's results, one a line.")
            .RequireScope(KeyScopes.Chat).FailsWith<AnthropicErrorBody>(400, 401, 403, 404, 500, AnthropicErrors.Overloaded);
    }
}
