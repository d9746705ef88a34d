using Formation.Inference.Gateway.Auth;
using Formation.Inference.Gateway.Errors;
using Formation.Inference.Gateway.HuggingFace.Models;
using Formation.Inference.Gateway.Limits;
using Formation.Inference.Gateway.Requests;
using Formation.Inference.Gateway.Streaming;
using Microsoft.AspNetCore.Http;

namespace Formation.Inference.Gateway.OpenAI.Embeddings;

/// <summary><c>POST /v1/embeddings</c>, from the body to the last byte. The steps are those of <c>docs/request-path.md</c>.</summary>
internal sealed class EmbeddingHandler(GatewayOptions options, RequestGate gate, EmbeddingSource vectors, AnswerSource answers, ModelChoice models)
{
    internal async Task HandleAsync(HttpContext context)
    {
        // Step 1: a place among the requests in progress; who calls was settled on the way here.
        string accountId = Caller.Of(context).AccountId;
        using RequestGate.Permit permit = gate.Enter(accountId);

        // Step 2: the body as it is on the wire.
        CreateEmbeddingRequest body = await JsonBody.ReadAsync(
            context, OpenAIJsonContext.Requests.CreateEmbeddingRequest, options.MaxRequestBodyBytes);
        body.Model = models.Of(context, body.Model);

        // Step 3: the same as the engine runs it, every value checked.
        var ignored = new IgnoredFields();
        EmbeddingRequest request = EmbeddingMapping.ToEmbedding(body, context.TraceIdentifier, accountId, ignored);
        bool isBase64 = EmbeddingMapping.IsBase64(body);
        ignored.Tell(context.Response);
        ModelDescription model = answers.FindModel(context, request.ModelId);

        // Steps 4 to 9 are the backend's. Step 10: its vectors in OpenAI's words.
        EmbeddingAnswer answer = await vectors.EmbedAsync(context, request, error => GenerationErrors.ToApiError(error, EmbeddingMapping.ParameterName));
        await WholeAnswer.WriteAsync(context, EmbeddingList.From(answer, model.Id, isBase64), OpenAIJsonContext.Answers.EmbeddingList);
    }
}
