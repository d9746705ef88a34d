using Formation.Inference.Accounts.Keys;
using Formation.Inference.Gateway.Auth;
using Formation.Inference.Gateway.Errors;
using Formation.Inference.Gateway.HuggingFace.Errors;
using Formation.Inference.Gateway.HuggingFace.Models;
using Formation.Inference.Gateway.HuggingFace.Service;
using Formation.Inference.Gateway.HuggingFace.TextGeneration;
using Formation.Inference.Gateway.HuggingFace.Tokens;
using Formation.Inference.Gateway.OpenAI.ChatCompletions;
using Formation.Inference.Gateway.OpenAI.Completions;
using Formation.Inference.Gateway.OpenApi;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.DependencyInjection;

namespace Formation.Inference.Gateway.HuggingFace;

/// <summary>
/// The routes of Hugging Face's services. Each call stands at the root, for the default model; below a prefix that says which service is meant; and
/// below <c>/models/{id}</c>, with and without that prefix.
/// </summary>
internal static class HuggingFaceEndpoints
{
    const string Generation = "Text Generation Inference";

    internal static void AddHuggingFace(this IServiceCollection services)
    {
        services.AddSingleton<IErrorDialect, HuggingFaceErrors>();
        services.AddSingleton<ModelChoice>();
        services.AddSingleton<GenerateHandler>();
        services.AddSingleton<TokenizeHandler>();
        services.AddSingleton<ServiceHandler>();
        services.Configure<RouteOptions>(options => options.SetParameterPolicy<ModelCallConstraint>(ModelCallConstraint.Name));
    }

    internal static void MapHuggingFace(this IEndpointRouteBuilder routes)
    {
        IServiceProvider services = routes.ServiceProvider;
        var generate = services.GetRequiredService<GenerateHandler>();
        var tokens = services.GetRequiredService<TokenizeHandler>();
        var service = services.GetRequiredService<ServiceHandler>();

        MapGeneration("POST", "generate", generate.GenerateAsync, KeyScopes.Chat, "generate", "Continues a text.",
            route => route.Reads<GenerateRequest>().Answers<GenerateResponse>());
        MapGeneration("POST", "generate_stream", generate.GenerateStreamAsync, KeyScopes.Chat, "generateStream", "Continues a text, token by token.",
            route => route.Reads<GenerateRequest>().Answers<StreamResponse>().Streams<StreamResponse>());
        MapGeneration("POST", "tokenize", tokens.TokenizeAsync, KeyScopes.Chat, "tokenize", "Shows a text's tokens.",
            route => route.Reads<TokenizeRequest>().Answers<List<SimpleToken>>());
        MapGeneration("POST", "chat_tokenize", tokens.ChatTokenizeAsync, KeyScopes.Chat, "chatTokenize", "Shows a conversation's tokens.",
            route => route.Reads<ChatCompletionRequest>().Answers<ChatTokenizeResponse>());
        MapGeneration("GET", "info", service.DescribeGenerationAsync, KeyScopes.ModelsRead, "info", "Describes the model and the limits.",
            route => route.Answers<GenerationInfo>());
        MapGeneration("GET", "health", ServiceHandler.HealthAsync, KeyScopes.None, "health", "Says whether requests can be served.", route => route);

        routes.MapDescribed("GET", "/", ServiceHandler.HealthAsync, "rootHealth", Generation, "Says whether requests can be served.").AllowPublic();
        MapEither(routes, "/", "generateEither");
        MapEither(routes, HuggingFacePaths.Generation, "tgiGenerateEither");
        MapModel(routes, "POST", "tgi", generate.GenerateEitherAsync, KeyScopes.Chat);
        routes.MapMethods(HuggingFacePaths.Models + "/{**model}", ["POST"], generate.GenerateEitherAsync).RequireScope(KeyScopes.Chat);

        // Whoever has a model's base URL may call it by OpenAI's API, too, as the services themselves can be.
        foreach (string prefix in (string[])["", "tgi/"])
        {
            MapModel(routes, "POST", prefix + "v1/chat/completions", services.GetRequiredService<ChatCompletionHandler>().HandleAsync, KeyScopes.Chat);
            MapModel(routes, "POST", prefix + "v1/completions", services.GetRequiredService<CompletionHandler>().HandleAsync, KeyScopes.Chat);
        }

        void MapGeneration(
            string method, string call, RequestDelegate handler, KeyScopes scope, string operation, string summary,
            Func<IEndpointConventionBuilder, IEndpointConventionBuilder> describe)
        {
            Describe(routes.MapDescribed(method, "/" + call, handler, operation, Generation, summary));
            Describe(routes.MapDescribed(
                method, $"{HuggingFacePaths.Generation}/{call}", handler, $"tgi{char.ToUpperInvariant(operation[0])}{operation[1..]}", Generation, summary));
            MapModel(routes, method, call, handler, scope);
            MapModel(routes, method, "tgi/" + call, handler, scope);

            void Describe(IEndpointConventionBuilder route) => Fails(describe(route.RequireScope(scope)));
        }

        void MapEither(IEndpointRouteBuilder to, string path, string operation) => Fails(
            to.MapDescribed("POST", path, generate.GenerateEitherAsync, operation, Generation, "Continues a text, whole or token by token.")
                .RequireScope(KeyScopes.Chat)
                .Reads<GenerateRequest>().Answers<List<GenerateResponse>>().Streams<StreamResponse>());
    }

    static void Fails(IEndpointConventionBuilder route) =>
        route.FailsWith<HuggingFaceErrorBody>(401, 403, 404, 408, 413, 415, 422, 424, 429, 500, 503);

    /// <summary>A call of one model. The document does not describe it again: ids with slashes before a call are more than it can say.</summary>
    static void MapModel(IEndpointRouteBuilder routes, string method, string call, RequestDelegate handler, KeyScopes scope) =>
        routes.MapMethods($"{HuggingFacePaths.Models}/{{**{ModelChoice.RouteValue}:{ModelCallConstraint.Name}({call})}}", [method], handler)
            .WithMetadata(new ModelCall(call))

            // A longer call may end like a shorter one: it comes first.
            .WithOrder(-1 - call.Count(letter => letter == '/'))
            .RequireScope(scope);
}
