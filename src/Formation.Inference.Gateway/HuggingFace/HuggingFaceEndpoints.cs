using Formation.Inference.Accounts.Keys;
using Formation.Inference.Gateway.Auth;
using Formation.Inference.Gateway.Errors;
using Formation.Inference.Gateway.HuggingFace.Errors;
using Formation.Inference.Gateway.HuggingFace.InferenceApi;
using Formation.Inference.Gateway.HuggingFace.Models;
using Formation.Inference.Gateway.HuggingFace.Service;
using Formation.Inference.Gateway.HuggingFace.TextEmbeddings;
using Formation.Inference.Gateway.HuggingFace.TextGeneration;
using Formation.Inference.Gateway.HuggingFace.Tokens;
using Formation.Inference.Gateway.OpenAI.ChatCompletions;
using Formation.Inference.Gateway.OpenAI.Completions;
using Formation.Inference.Gateway.OpenAI.Embeddings;
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
    const string Generation = "Text Generation Inference", Embedding = "Text Embeddings Inference";
    const KeyScopes OfTasks = KeyScopes.Chat | KeyScopes.Embeddings;

    /// <summary>Calls that both services have: without a prefix they mean Text Generation Inference.</summary>
    static readonly string[] OfBoth = ["tokenize", "info", "health"];

    internal static void AddHuggingFace(this IServiceCollection services)
    {
        services.AddSingleton<IErrorDialect, HuggingFaceErrors>();
        services.AddSingleton<ModelChoice>();
        services.AddSingleton<GenerateHandler>();
        services.AddSingleton<TokenizeHandler>();
        services.AddSingleton<ServiceHandler>();
        services.AddSingleton<Embedder>();
        services.AddSingleton<EmbedHandler>();
        services.AddSingleton<EmbeddingTokensHandler>();
        services.AddSingleton<ModelWarmer>();
        services.AddSingleton<TaskHandler>();
        services.Configure<RouteOptions>(options =>
        {
            options.SetParameterPolicy<ModelCallConstraint>(ModelCallConstraint.Name);
            options.SetParameterPolicy<PipelineConstraint>(PipelineConstraint.Name);
        });
    }

    internal static void MapHuggingFace(this IEndpointRouteBuilder routes)
    {
        IServiceProvider services = routes.ServiceProvider;
        var generate = services.GetRequiredService<GenerateHandler>();
        var tokens = services.GetRequiredService<TokenizeHandler>();
        var service = services.GetRequiredService<ServiceHandler>();

        var embed = services.GetRequiredService<EmbedHandler>();
        var embeddingTokens = services.GetRequiredService<EmbeddingTokensHandler>();
        var tasks = services.GetRequiredService<TaskHandler>();

        Map("generate", generate.GenerateAsync, "generate", "Continues a text.", route => route.Reads<GenerateRequest>().Answers<GenerateResponse>());
        Map("generate_stream", generate.GenerateStreamAsync, "generateStream", "Continues a text, token by token.",
            route => route.Reads<GenerateRequest>().Answers<StreamResponse>().Streams<StreamResponse>());
        Map("tokenize", tokens.TokenizeAsync, "tokenize", "Shows a text's tokens.", route => route.Reads<TokenizeRequest>().Answers<List<SimpleToken>>());
        Map("chat_tokenize", tokens.ChatTokenizeAsync, "chatTokenize", "Shows a conversation's tokens.",
            route => route.Reads<ChatCompletionRequest>().Answers<ChatTokenizeResponse>());
        MapCall(routes, Generation, "GET", "info", service.DescribeGenerationAsync, KeyScopes.ModelsRead, "info", "Describes the model and the limits.",
            route => route.Answers<GenerationInfo>());
        MapCall(routes, Generation, "GET", "health", ServiceHandler.HealthAsync, KeyScopes.None, "health", "Says whether requests can be served.", route => route);

        MapVectors("embed", embed.EmbedAsync, "embed", "Gives each text's vector.", route => route.Reads<EmbedRequest>().Answers<List<List<float>>>());
        MapVectors("embed_all", embed.EmbedAllAsync, "embedAll", "Gives a vector for each token.",
            route => route.Reads<EmbedRequest>().Answers<List<List<List<float>>>>());
        MapVectors("embed_sparse", embed.RefuseSparseAsync, "embedSparse", "Refused: no model here gives sparse vectors.", route => route.Reads<EmbedRequest>());
        MapVectors("similarity", embed.CompareAsync, "similarity", "Compares texts.", route => route.Reads<SimilarityRequest>().Answers<List<float>>());
        MapVectors("rerank", embed.RankAsync, "rerank", "Ranks texts by a query.", route => route.Reads<RerankRequest>().Answers<List<Rank>>());
        MapVectors("predict", embed.RefuseToPredictAsync, "predict", "Refused: no model here classifies.", route => route);
        MapVectors("decode", embeddingTokens.DecodeAsync, "decode", "Makes text of tokens.", route => route.Reads<DecodeRequest>().Answers<List<string>>());
        MapVectors("tokenize", embeddingTokens.TokenizeAsync, "tokenizeTexts", "Shows texts' tokens.",
            route => route.Reads<TokenizeRequest>().Answers<List<List<SpecialToken>>>());
        MapCall(routes, Embedding, "GET", "info", service.DescribeEmbeddingAsync, KeyScopes.ModelsRead, "embeddingInfo", "Describes the model and the limits.",
            route => route.Answers<EmbeddingInfo>());
        MapCall(routes, Embedding, "GET", "health", ServiceHandler.HealthAsync, KeyScopes.None, "embeddingHealth", "Says whether requests can be served.",
            route => route);

        routes.MapDescribed("GET", "/", ServiceHandler.HealthAsync, "rootHealth", Generation, "Says whether requests can be served.").AllowPublic();
        Fails(routes.MapDescribed("POST", "/", tasks.HandleAsync, "runTask", Generation, "Continues a text, whole or token by token; gives vectors of several.")
            .RequireOneScopeOf(OfTasks)
            .Reads<GenerateRequest>().Answers<List<GenerateResponse>>().Streams<StreamResponse>());
        Fails(routes.MapDescribed(
                "POST", HuggingFacePaths.Generation, generate.GenerateEitherAsync, "generateEither", Generation, "Continues a text, whole or token by token.")
            .RequireScope(KeyScopes.Chat)
            .Reads<GenerateRequest>().Answers<List<GenerateResponse>>().Streams<StreamResponse>());
        Fails(routes.MapDescribed("POST", HuggingFacePaths.Embedding, embed.EmbedAsync, "embedEither", Embedding, "Gives each text's vector.")
            .RequireScope(KeyScopes.Embeddings)
            .Reads<EmbedRequest>().Answers<List<List<float>>>());
        MapModel(routes, "POST", "tgi", generate.GenerateEitherAsync, KeyScopes.Chat);
        MapModel(routes, "POST", "tei", embed.EmbedAsync, KeyScopes.Embeddings);

        routes.MapMethods(HuggingFacePaths.Models + "/{**model}", ["POST"], tasks.HandleAsync).RequireOneScopeOf(OfTasks);
        routes.MapMethods(HuggingFacePaths.Models + "/{**model:pipeline}", ["POST"], tasks.HandleAsync)
            .WithMetadata(new PipelineCall()).WithOrder(-1).RequireOneScopeOf(OfTasks);
        routes.MapMethods(HuggingFacePaths.Pipeline + "/{task}/{**model}", ["POST"], tasks.HandleAsync).RequireOneScopeOf(OfTasks);

        // Whoever has a model's base URL may call it by OpenAI's API, too, as the services themselves can be.
        foreach (string prefix in (string[])["", "tgi/", "tei/"])
        {
            MapModel(routes, "POST", prefix + "v1/chat/completions", services.GetRequiredService<ChatCompletionHandler>().HandleAsync, KeyScopes.Chat);
            MapModel(routes, "POST", prefix + "v1/embeddings", services.GetRequiredService<EmbeddingHandler>().HandleAsync, KeyScopes.Embeddings);
            MapModel(routes, "POST", prefix + "v1/completions", services.GetRequiredService<CompletionHandler>().HandleAsync, KeyScopes.Chat);
        }

        void Map(string call, RequestDelegate handler, string operation, string summary, Func<IEndpointConventionBuilder, IEndpointConventionBuilder> describe) =>
            MapCall(routes, Generation, "POST", call, handler, KeyScopes.Chat, operation, summary, describe);

        void MapVectors(string call, RequestDelegate handler, string operation, string summary, Func<IEndpointConventionBuilder, IEndpointConventionBuilder> describe) =>
            MapCall(routes, Embedding, "POST", call, handler, KeyScopes.Embeddings, operation, summary, describe);
    }

    /// <summary>Maps a call of a service: at the root and behind a model where its name means that service, and everywhere below the service's prefix.</summary>
    static void MapCall(
        IEndpointRouteBuilder routes, string service, string method, string call, RequestDelegate handler, KeyScopes scope, string operation, string summary,
        Func<IEndpointConventionBuilder, IEndpointConventionBuilder> describe)
    {
        bool isGeneration = service == Generation;
        string prefix = isGeneration ? HuggingFacePaths.Generation : HuggingFacePaths.Embedding;
        Fails(describe(routes.MapDescribed(
            method, $"{prefix}/{call}", handler, $"{prefix[1..]}{char.ToUpperInvariant(operation[0])}{operation[1..]}", service, summary).RequireScope(scope)));
        MapModel(routes, method, $"{prefix[1..]}/{call}", handler, scope);
        if (!isGeneration && OfBoth.Contains(call))
            return;
        Fails(describe(routes.MapDescribed(method, "/" + call, handler, operation, service, summary).RequireScope(scope)));
        MapModel(routes, method, call, handler, scope);
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
