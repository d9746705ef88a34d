using Formation.Inference.Gateway.Auth;
using Formation.Inference.Gateway.Errors;
using Formation.Inference.Gateway.HuggingFace.Models;
using Formation.Inference.Gateway.Limits;
using Formation.Inference.Gateway.Requests;
using Formation.Inference.Gateway.Streaming;
using Microsoft.AspNetCore.Http;
using static Formation.Inference.Gateway.Requests.ParameterChecks;

namespace Formation.Inference.Gateway.HuggingFace.TextEmbeddings;

/// <summary>
/// <c>POST /embed</c>, <c>/embed_all</c>, <c>/embed_sparse</c>, <c>/similarity</c>, <c>/rerank</c> and <c>/predict</c> of Text Embeddings Inference.
/// </summary>
internal sealed class EmbedHandler(GatewayOptions options, RequestGate gate, AnswerSource answers, ModelChoice models, Embedder embedder)
{
    internal Task EmbedAsync(HttpContext context) => EmbedAsync(context, EmbeddingKind.Input);

    internal Task EmbedAllAsync(HttpContext context) => EmbedAsync(context, EmbeddingKind.Token);

    internal async Task CompareAsync(HttpContext context)
    {
        string accountId = Caller.Of(context).AccountId;
        using RequestGate.Permit permit = gate.Enter(accountId);
        SimilarityRequest body = await JsonBody.ReadAsync(context, HuggingFaceJsonContext.Requests.SimilarityRequest, options.MaxRequestBodyBytes);
        await AnswerAsync(context, body, accountId);
    }

    /// <summary>Answers a comparison that was read, in the place that the caller has taken for it.</summary>
    internal async Task AnswerAsync(HttpContext context, SimilarityRequest body, string accountId)
    {
        SimilarityInputs inputs = body.Inputs ?? throw Missing(EmbedMapping.InputsName);
        TextPrompt source = EmbedMapping.Text("inputs.source_sentence", inputs.SourceSentence);
        IReadOnlyList<Prompt> sentences = EmbedMapping.Texts("inputs.sentences", inputs.Sentences);
        InputTruncation truncation = EmbedMapping.Truncation(body.Parameters);
        Tell(context, (body.Unknown, ""), (inputs.Unknown, "inputs"), (body.Parameters?.Unknown, "parameters"));
        float[] scores = await embedder.CompareAsync(context, accountId, source, sentences, truncation);
        await WholeAnswer.WriteAsync(context, scores, HuggingFaceJsonContext.Answers.SingleArray);
    }

    /// <summary>Ranks texts by their similarity to a query: the models here embed texts, and none was made to rank.</summary>
    internal async Task RankAsync(HttpContext context)
    {
        string accountId = Caller.Of(context).AccountId;
        using RequestGate.Permit permit = gate.Enter(accountId);
        RerankRequest body = await JsonBody.ReadAsync(context, HuggingFaceJsonContext.Requests.RerankRequest, options.MaxRequestBodyBytes);
        TextPrompt query = EmbedMapping.Text("query", body.Query);
        IReadOnlyList<Prompt> texts = EmbedMapping.Texts("texts", body.Texts);
        InputTruncation truncation = EmbedMapping.Truncation(body);
        Tell(context, (body.Unknown, ""));
        float[] scores = await embedder.CompareAsync(context, accountId, query, texts, truncation);
        List<Rank> ranks = [.. scores
            .Select((score, i) => new Rank(i, body.ReturnText == true ? body.Texts![i] : null, body.RawScores == true ? score : (1 + score) / 2))
            .OrderByDescending(rank => rank.Score)];
        await WholeAnswer.WriteAsync(context, ranks, HuggingFaceJsonContext.Answers.ListRank);
    }

    internal Task RefuseSparseAsync(HttpContext context) => throw Unable(context, "gives no sparse vectors; ask for dense ones with /embed");

    internal Task RefuseToPredictAsync(HttpContext context) => throw Unable(context, "does not classify; no model here does");

    async Task EmbedAsync(HttpContext context, EmbeddingKind kind)
    {
        string accountId = Caller.Of(context).AccountId;
        using RequestGate.Permit permit = gate.Enter(accountId);
        EmbedRequest body = await JsonBody.ReadAsync(context, HuggingFaceJsonContext.Requests.EmbedRequest, options.MaxRequestBodyBytes);
        IReadOnlyList<InputEmbedding> vectors = await EmbedAsync(context, body, accountId, kind);
        if (kind == EmbeddingKind.Token)
            await WholeAnswer.WriteAsync<List<List<ReadOnlyMemory<float>>>>(
                context,
                [.. vectors.Select<InputEmbedding, List<ReadOnlyMemory<float>>>(input => [.. Enumerable.Range(0, input.VectorCount).Select(input.Vector)])],
                HuggingFaceJsonContext.Answers.ListListReadOnlyMemorySingle);
        else
            await WriteVectorsAsync(context, vectors);
    }

    /// <summary>Embeds what was read, in the place that the caller has taken for it.</summary>
    internal async Task<IReadOnlyList<InputEmbedding>> EmbedAsync(HttpContext context, EmbedRequest body, string accountId, EmbeddingKind kind)
    {
        IReadOnlyList<Prompt> inputs = EmbedMapping.Inputs(body.Inputs);
        InputTruncation truncation = EmbedMapping.Truncation(body);
        int? dimensions = (int?)Integer("dimensions", body.Dimensions, 1, int.MaxValue);
        Tell(context, (body.Unknown, ""));
        bool isWhole = kind == EmbeddingKind.Input;
        return await embedder.EmbedAsync(
            context, accountId, inputs, truncation, isWhole && (body.Normalize ?? true), isWhole ? dimensions : null, kind);
    }

    /// <summary>An array of vectors, one for each input.</summary>
    internal static Task WriteVectorsAsync(HttpContext context, IReadOnlyList<InputEmbedding> vectors) =>
        WholeAnswer.WriteAsync<List<ReadOnlyMemory<float>>>(
            context, [.. vectors.Select(input => input.Vector())], HuggingFaceJsonContext.Answers.ListReadOnlyMemorySingle);

    static void Tell(HttpContext context, params ReadOnlySpan<(Dictionary<string, System.Text.Json.JsonElement>? Unknown, string Path)> passedOver)
    {
        var ignored = new IgnoredFields();
        foreach (var (unknown, path) in passedOver)
            ignored.Add(unknown, path);
        ignored.Tell(context.Response);
    }

    /// <summary>What the service answers where its model is of another kind.</summary>
    ApiErrorException Unable(HttpContext context, string what)
    {
        ModelDescription model = answers.FindModel(context, models.Of(context));
        return new ApiErrorException(new ApiError(
            StatusCodes.Status424FailedDependency, ApiError.InvalidRequest, "model_unable", $"The model `{Shorten(model.Id)}` {what}."));
    }
}
