using Formation.Inference.Accounts.Keys;
using Formation.Inference.Gateway.Auth;
using Formation.Inference.Gateway.OpenAI.Answers;
using Formation.Inference.Gateway.OpenAI.ChatCompletions;
using Formation.Inference.Gateway.OpenAI.Completions;
using Formation.Inference.Gateway.OpenAI.Models;
using Formation.Inference.Gateway.OpenApi;
using Formation.Inference.Gateway.Streaming;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.DependencyInjection;

namespace Formation.Inference.Gateway.OpenAI;

/// <summary>The routes of OpenAI's API that this server has.</summary>
internal static class OpenAIEndpoints
{
    internal static void AddOpenAI(this IServiceCollection services)
    {
        services.AddSingleton<AnswerSource>();
        services.AddSingleton<StreamedAnswer>();
        services.AddSingleton<ChatCompletionHandler>();
        services.AddSingleton<CompletionHandler>();
        services.AddSingleton<ModelsHandler>();
    }

    internal static void MapOpenAI(this IEndpointRouteBuilder routes)
    {
        IServiceProvider services = routes.ServiceProvider;
        var chat = services.GetRequiredService<ChatCompletionHandler>();
        var completions = services.GetRequiredService<CompletionHandler>();
        var models = services.GetRequiredService<ModelsHandler>();

        routes.MapDescribed("POST", "/v1/chat/completions", chat.HandleAsync, "createChatCompletion", "Chat", "Answers a conversation.")
            .RequireScope(KeyScopes.Chat)
            .Reads<ChatCompletionRequest>().Answers<ChatCompletion>().Streams<ChatCompletionChunk>()
            .Fails(400, 401, 403, 404, 408, 413, 415, 429, 500, 503);
        routes.MapDescribed("POST", "/v1/completions", completions.HandleAsync, "createCompletion", "Completions", "Continues texts.")
            .RequireScope(KeyScopes.Chat)
            .Reads<CompletionRequest>().Answers<Completion>().Streams<CompletionChunkWithUsage>()
            .Fails(400, 401, 403, 404, 408, 413, 415, 429, 500, 503);
        routes.MapDescribed("GET", "/v1/models", models.ListAsync, "listModels", "Models", "Lists the models.")
            .RequireScope(KeyScopes.ModelsRead)
            .Answers<ModelList>().Fails(401, 403, 500);
        routes.MapDescribed("GET", "/v1/models/{**model}", models.GetAsync, "retrieveModel", "Models", "Describes a model.")
            .RequireScope(KeyScopes.ModelsRead)
            .Answers<ModelObject>().Fails(401, 403, 404, 500);
    }
}
