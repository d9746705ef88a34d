using System.Text.Json;
using Formation.Inference.Accounts.Keys;
using Formation.Inference.Gateway.Auth;
using Formation.Inference.Gateway.Errors;
using Formation.Inference.Gateway.HuggingFace.Errors;
using Formation.Inference.Gateway.HuggingFace.Models;
using Formation.Inference.Gateway.HuggingFace.TextEmbeddings;
using Formation.Inference.Gateway.HuggingFace.TextGeneration;
using Formation.Inference.Gateway.Limits;
using Formation.Inference.Gateway.Requests;
using Formation.Inference.Gateway.Streaming;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using static Formation.Inference.Gateway.Requests.ParameterChecks;

namespace Formation.Inference.Gateway.HuggingFace.InferenceApi;

/// <summary>
/// The Inference API: <c>POST /models/{id}</c>, where the form of the inputs says which task is meant, <c>/models/{id}/pipeline/{task}</c> and
/// <c>/pipeline/{task}/{id}</c>, which say it themselves.
/// </summary>
internal sealed class TaskHandler(
    GatewayOptions options, RequestGate gate, AnswerSource answers, ModelChoice models, ModelWarmer warmer, GenerateHandler generate, EmbedHandler embed)
{
    const string TextGeneration = "text-generation", FeatureExtraction = "feature-extraction", SentenceSimilarity = "sentence-similarity";
    const string WaitHeader = "x-wait-for-model";

    /// <summary>What a load may take where nothing is known of it.</summary>
    static readonly TimeSpan TypicalLoad = TimeSpan.FromSeconds(20);

    internal async Task HandleAsync(HttpContext context)
    {
        Caller caller = Caller.Of(context);
        using RequestGate.Permit permit = gate.Enter(caller.AccountId);
        if (context.Request.ContentType is { } type && !context.Request.HasJsonContentType())
            throw Fail("inputs", "unsupported_value", $"The models here read text, and no data of the type '{Shorten(type)}'; send JSON with a text in 'inputs'.");
        using RequestBody body = await RequestBody.ReadAsync(context.Request, options.MaxRequestBodyBytes, context.RequestAborted);
        TaskRequest request = JsonBody.Parse(body.Bytes, HuggingFaceJsonContext.Requests.TaskRequest);
        string task = TaskIn(context) ?? TaskOf(request.Inputs ?? throw Missing("inputs"));
        KeyScopes needed = task == TextGeneration ? KeyScopes.Chat : KeyScopes.Embeddings;
        if ((caller.Scopes & needed) != needed)
            throw new ApiErrorException(ApiErrors.MissingScope(needed.ToString()));
        ModelDescription model = answers.FindModel(context, models.Of(context));
        CheckLoaded(context, request.Options, model, caller.AccountId);
        switch (task)
        {
            case TextGeneration:
                GenerateRequest text = JsonBody.Parse(body.Bytes, HuggingFaceJsonContext.Requests.GenerateRequest);
                text.Unknown?.Remove("options");
                await generate.AnswerAsync(context, text, text.Stream ?? false, isArray: true, caller.AccountId);
                break;
            case SentenceSimilarity:
                SimilarityRequest sentences = JsonBody.Parse(body.Bytes, HuggingFaceJsonContext.Requests.SimilarityRequest);
                sentences.Unknown?.Remove("options");
                await embed.AnswerAsync(context, sentences, caller.AccountId);
                break;
            default:
                await ExtractAsync(context, JsonBody.Parse(body.Bytes, HuggingFaceJsonContext.Requests.FeatureRequest), caller.AccountId);
                break;
        }
    }

    async Task ExtractAsync(HttpContext context, FeatureRequest body, string accountId)
    {
        body.Unknown?.Remove("options");
        var joined = new EmbedRequest
        {
            Inputs = body.Inputs,
            Normalize = body.Normalize ?? body.Parameters?.Normalize,
            Dimensions = body.Dimensions ?? body.Parameters?.Dimensions,
            PromptName = body.PromptName ?? body.Parameters?.PromptName,
            Truncate = body.Truncate ?? body.Parameters?.Truncate,
            TruncationDirection = body.TruncationDirection ?? body.Parameters?.TruncationDirection,
            Unknown = body.Unknown,
        };
        IReadOnlyList<InputEmbedding> vectors = await embed.EmbedAsync(context, joined, accountId, EmbeddingKind.Input);

        // A text alone gets its vector alone.
        if (body.Inputs!.Value.ValueKind == JsonValueKind.String)
            await WholeAnswer.WriteAsync(context, vectors[0].Vector(), HuggingFaceJsonContext.Answers.ReadOnlyMemorySingle);
        else
            await EmbedHandler.WriteVectorsAsync(context, vectors);
    }

    /// <summary>Answers at once where the request does not want to wait for the model, and has it loaded for the next one.</summary>
    void CheckLoaded(HttpContext context, TaskOptions? given, ModelDescription model, string accountId)
    {
        bool waits = given?.WaitForModel ?? !string.Equals(context.Request.Headers[WaitHeader], "false", StringComparison.OrdinalIgnoreCase);
        if (waits || model.State == ModelState.Ready)
            return;
        warmer.Begin(model.Id, accountId);
        throw new ApiErrorException(new ApiError(
            StatusCodes.Status503ServiceUnavailable, ApiError.ServerError, HuggingFaceErrors.Loading, $"Model {Shorten(model.Id)} is currently loading")
        {
            RetryAfter = TimeSpan.FromSeconds(Math.Max(1, TypicalLoad.TotalSeconds * (1 - model.LoadProgress))),
        });
    }

    /// <summary>The task that the path names, or null where it names none.</summary>
    static string? TaskIn(HttpContext context)
    {
        string? task = context.GetRouteValue("task") as string;
        if (context.GetEndpoint()?.Metadata.GetMetadata<PipelineCall>() is not null)
            task = PipelineConstraint.Split((string)context.GetRouteValue(ModelChoice.RouteValue)!)?.Task;
        return task is null or TextGeneration or FeatureExtraction or SentenceSimilarity
            ? task
            : throw Fail(
                "task", "unsupported_value",
                $"No model here does the task '{Shorten(task)}'. Tasks that they do are: '{TextGeneration}', '{FeatureExtraction}', '{SentenceSimilarity}'.");
    }

    /// <summary>The task that works on inputs of a form: a text is continued, several have vectors, and sentences are compared.</summary>
    static string TaskOf(JsonElement inputs) => inputs.ValueKind switch
    {
        JsonValueKind.String => TextGeneration,
        JsonValueKind.Array => FeatureExtraction,
        JsonValueKind.Object when inputs.TryGetProperty("source_sentence", out _) || inputs.TryGetProperty("sentences", out _) => SentenceSimilarity,
        _ => throw InvalidType("inputs", "a text, an array of texts, or an object with 'source_sentence' and 'sentences'", inputs),
    };
}
