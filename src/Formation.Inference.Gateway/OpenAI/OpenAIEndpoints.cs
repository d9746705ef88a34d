using Formation.Inference.Accounts.Keys;
using Formation.Inference.Gateway.Auth;
using Formation.Inference.Gateway.Batches;
using Formation.Inference.Gateway.OpenAI.Batches;
using Formation.Inference.Gateway.OpenAI.ChatCompletions;
using Formation.Inference.Gateway.OpenAI.ChatCompletions.Kept;
using Formation.Inference.Gateway.OpenAI.Completions;
using Formation.Inference.Gateway.OpenAI.Embeddings;
using Formation.Inference.Gateway.OpenAI.Files;
using Formation.Inference.Gateway.OpenAI.Models;
using Formation.Inference.Gateway.OpenAI.Responses;
using Formation.Inference.Gateway.OpenAI.Responses.Background;
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
        services.AddSingleton<KeptCompletionsHandler>();
        services.AddSingleton<CompletionHandler>();
        services.AddSingleton<EmbeddingHandler>();
        services.AddSingleton<ModelsHandler>();
        services.AddSingleton<ConversationSource>();
        services.AddSingleton<Truncation>();
        services.AddSingleton<FilesHandler>();
        services.AddSingleton<BatchesHandler>();
        services.AddSingleton<IBatchDialect, BatchDialect>();
        services.AddSingleton<ResponsePlanner>();
        services.AddSingleton<BackgroundRun>();
        services.AddSingleton<BackgroundResponses>();
        services.AddHostedService(provider => provider.GetRequiredService<BackgroundResponses>());
        services.AddSingleton<ResponseEventReader>();
        services.AddSingleton<ResponsesHandler>();
        services.AddSingleton<KeptResponsesHandler>();
    }

    internal static void MapOpenAI(this IEndpointRouteBuilder routes)
    {
        IServiceProvider services = routes.ServiceProvider;
        var chat = services.GetRequiredService<ChatCompletionHandler>();
        var completions = services.GetRequiredService<CompletionHandler>();
        var embeddings = services.GetRequiredService<EmbeddingHandler>();

        routes.MapDescribed("POST", "/v1/chat/completions", chat.HandleAsync, "createChatCompletion", "Chat", "Answers a conversation.")
            .RequireScope(KeyScopes.Chat)
            .Reads<ChatCompletionRequest>().Answers<ChatCompletion>().Streams<ChatCompletionChunk>()
            .Fails(400, 401, 403, 404, 408, 413, 415, 429, 500, 503);
        routes.MapDescribed("POST", "/v1/completions", completions.HandleAsync, "createCompletion", "Completions", "Continues texts.")
            .RequireScope(KeyScopes.Chat)
            .Reads<CompletionRequest>().Answers<Completion>().Streams<CompletionChunkWithUsage>()
            .Fails(400, 401, 403, 404, 408, 413, 415, 429, 500, 503);
        routes.MapDescribed("POST", "/v1/embeddings", embeddings.HandleAsync, "createEmbedding", "Embeddings", "Makes vectors of texts.")
            .RequireScope(KeyScopes.Embeddings)
            .Reads<CreateEmbeddingRequest>().Answers<EmbeddingList>()
            .Fails(400, 401, 403, 404, 408, 413, 415, 429, 500, 503);
        MapKeptCompletions(routes);
        MapResponses(routes);
        MapFiles(routes);
        MapBatches(routes);
    }

    static void MapKeptCompletions(IEndpointRouteBuilder routes)
    {
        const string Tag = "Chat", Path = "/v1/chat/completions";
        var kept = routes.ServiceProvider.GetRequiredService<KeptCompletionsHandler>();
        routes.MapDescribed("GET", Path, kept.ListAsync, "listChatCompletions", Tag, "Lists chat completions that were kept.")
            .RequireScope(KeyScopes.Chat).Answers<StoredCompletionList>().Fails(400, 401, 403, 404, 500, 503);
        routes.MapDescribed("GET", $"{Path}/{{id}}", kept.GetAsync, "getChatCompletion", Tag, "Gives a chat completion that was kept.")
            .RequireScope(KeyScopes.Chat).Answers<ChatCompletion>().Fails(401, 403, 404, 500, 503);
        routes.MapDescribed("POST", $"{Path}/{{id}}", kept.UpdateAsync, "updateChatCompletion", Tag, "Changes what is noted of a chat completion.")
            .RequireScope(KeyScopes.Chat).Reads<CompletionUpdate>().Answers<ChatCompletion>().Fails(400, 401, 403, 404, 408, 413, 415, 500, 503);
        routes.MapDescribed("DELETE", $"{Path}/{{id}}", kept.DeleteAsync, "deleteChatCompletion", Tag, "Forgets a chat completion.")
            .RequireScope(KeyScopes.Chat).Answers<CompletionDeleted>().Fails(401, 403, 404, 500, 503);
        routes.MapDescribed("GET", $"{Path}/{{id}}/messages", kept.MessagesAsync, "getChatCompletionMessages", Tag, "Lists what a chat completion answers.")
            .RequireScope(KeyScopes.Chat).Answers<StoredMessageList>().Fails(400, 401, 403, 404, 500, 503);
    }

    static void MapBatches(IEndpointRouteBuilder routes)
    {
        const string Tag = "Batches";
        var batches = routes.ServiceProvider.GetRequiredService<BatchesHandler>();
        routes.MapDescribed("POST", "/v1/batches", batches.CreateAsync, "createBatch", Tag, "Runs the requests of a file within a day.")
            .RequireScope(KeyScopes.Chat).Reads<BatchRequest>().Answers<BatchObject>().Fails(400, 401, 403, 408, 413, 415, 429, 500, 503);
        routes.MapDescribed("GET", "/v1/batches", batches.ListAsync, "listBatches", Tag, "Lists batches, newest first.")
            .RequireScope(KeyScopes.Chat).Answers<BatchList>().Fails(400, 401, 403, 500, 503);
        routes.MapDescribed("GET", "/v1/batches/{id}", batches.GetAsync, "retrieveBatch", Tag, "Says how far a batch is.")
            .RequireScope(KeyScopes.Chat).Answers<BatchObject>().Fails(401, 403, 404, 500, 503);
        routes.MapDescribed("POST", "/v1/batches/{id}/cancel", batches.CancelAsync, "cancelBatch", Tag, "Ends a batch before its time.")
            .RequireScope(KeyScopes.Chat).Answers<BatchObject>().Fails(401, 403, 404, 409, 500, 503);
    }

    static void MapFiles(IEndpointRouteBuilder routes)
    {
        const string Tag = "Files";
        var files = routes.ServiceProvider.GetRequiredService<FilesHandler>();
        routes.MapDescribed("POST", "/v1/files", files.UploadAsync, "createFile", Tag, "Keeps a file: multipart/form-data with file, purpose and expires_after.")
            .RequireScope(KeyScopes.Chat).Answers<FileObject>().Fails(400, 401, 403, 408, 413, 415, 429, 500, 503);
        routes.MapDescribed("GET", "/v1/files", files.ListAsync, "listFiles", Tag, "Lists files.")
            .RequireScope(KeyScopes.Chat).Answers<FileList>().Fails(400, 401, 403, 500, 503);
        routes.MapDescribed("GET", "/v1/files/{id}", files.GetAsync, "retrieveFile", Tag, "Describes a file.")
            .RequireScope(KeyScopes.Chat).Answers<FileObject>().Fails(401, 403, 404, 500, 503);
        routes.MapDescribed("DELETE", "/v1/files/{id}", files.DeleteAsync, "deleteFile", Tag, "Forgets a file.")
            .RequireScope(KeyScopes.Chat).Answers<FileDeleted>().Fails(401, 403, 404, 500, 503);
        routes.MapDescribed("GET", "/v1/files/{id}/content", files.ContentAsync, "downloadFile", Tag, "Gives a file's bytes.")
            .RequireScope(KeyScopes.Chat).Fails(401, 403, 404, 500, 503);
    }

    static void MapResponses(IEndpointRouteBuilder routes)
    {
        const string Tag = "Responses";
        var responses = routes.ServiceProvider.GetRequiredService<ResponsesHandler>();
        var kept = routes.ServiceProvider.GetRequiredService<KeptResponsesHandler>();
        Type[] events =
        [
            typeof(ResponseEvent), typeof(OutputItemEvent), typeof(ContentPartEvent), typeof(TextDeltaEvent), typeof(TextDoneEvent),
            typeof(ReasoningDeltaEvent), typeof(ReasoningDoneEvent), typeof(ArgumentsDeltaEvent), typeof(ArgumentsDoneEvent), typeof(ErrorEvent),
        ];
        routes.MapDescribed("POST", "/v1/responses", responses.HandleAsync, "createResponse", Tag, "Answers a conversation, and keeps the answer.")
            .RequireScope(KeyScopes.Chat)
            .Reads<ResponsesRequest>().Answers<ResponseObject>()
            .Streams(events)
            .Fails(400, 401, 403, 404, 408, 413, 415, 429, 500, 503);
        routes.MapDescribed("POST", "/v1/responses/input_tokens", responses.CountAsync, "countInputTokens", Tag, "Counts the tokens of a response's prompt.")
            .RequireScope(KeyScopes.Chat)
            .Reads<ResponsesRequest>().Answers<InputTokenCount>().Fails(400, 401, 403, 404, 408, 413, 415, 429, 500, 503);
        routes.MapDescribed("GET", "/v1/responses/{id}", kept.GetAsync, "getResponse", Tag, "Gives a response that was kept.")
            .RequireScope(KeyScopes.Chat).Answers<ResponseObject>().Streams(events).Fails(400, 401, 403, 404, 500, 503);
        routes.MapDescribed("DELETE", "/v1/responses/{id}", kept.DeleteAsync, "deleteResponse", Tag, "Forgets a response.")
            .RequireScope(KeyScopes.Chat).Answers<ResponseDeleted>().Fails(401, 403, 404, 500, 503);
        routes.MapDescribed("POST", "/v1/responses/{id}/cancel", kept.CancelAsync, "cancelResponse", Tag, "Ends a response that runs in the background.")
            .RequireScope(KeyScopes.Chat).Answers<ResponseObject>().Fails(400, 401, 403, 404, 500, 503);
        routes.MapDescribed("GET", "/v1/responses/{id}/input_items", kept.InputItemsAsync, "listInputItems", Tag, "Lists what went into a response.")
            .RequireScope(KeyScopes.Chat).Answers<ResponseItemList>().Fails(400, 401, 403, 404, 500, 503);
    }
}
