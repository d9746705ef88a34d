using Formation.Inference.Accounts.Keys;
using Formation.Inference.Gateway.Auth;
using Formation.Inference.Gateway.OpenAI.ChatCompletions;
using Formation.Inference.Gateway.OpenAI.Completions;
using Formation.Inference.Gateway.OpenAI.Models;
using Formation.Inference.Gateway.OpenApi;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.DependencyInjection;

namespace Formation.Inference.Gateway.OpenAI;

/// <summary>The routes of OpenAI's API that this server has. Those of its models are in <see cref="Gateway.Models.ModelRoutes"/>.</summary>
internal static class OpenAIEndpoints
{
    internal static void AddOpenAI(this IServiceCollection services)
    {
        services.AddSingleton<ChatCompletionHandler>();
        services.AddSingleton<CompletionHandler>();
        services.AddSingleton<ModelsHandler>();
    }

    internal static void MapOpenAI(this IEndpointRouteBuilder routes)
    {
        IServiceProvider services = routes.ServiceProvider;
        var chat = services.GetRequiredService<ChatCompletionHandler>();
        var completions = services.GetRequiredService<CompletionHandler>();

        routes.MapDescribed("POST", "/v1/chat/completions", chat.HandleAsync, "createChatCompletion", "Chat", "Answers a conversation.")
            .RequireScope(KeyScopes.Chat)
            .Reads<ChatCompletionRequest>().Answers<ChatCompletion>().Streams<ChatCompletionChunk>()
            .Fails(400, 401, 403, 404, 408, 413, 415, 429, 500, 503);
        routes.MapDescribed("POST", "/v1/completions", completions.HandleAsync, "createCompletion", "Completions", "Continues texts.")
            .RequireScope(KeyScopes.Chat)
            .Reads<CompletionRequest>().Answers<Completion>().Streams<CompletionChunkWithUsage>()
            .Fails(400, 401, 403, 404, 408, 413, 415, 429, 500, 503);
    }
}
