using Formation.Inference.Gateway.Errors;
using Formation.Inference.Gateway.HuggingFace.Errors;
using Formation.Inference.Gateway.HuggingFace.Models;
using Formation.Inference.Gateway.Streaming;
using Microsoft.AspNetCore.Http;

namespace Formation.Inference.Gateway.HuggingFace.TextEmbeddings;

/// <summary>Steps 4 to 9 for vectors: has the model of a request embed its inputs.</summary>
internal sealed class Embedder(EmbeddingSource vectors, AnswerSource answers, ModelChoice models)
{
    /// <param name="context">The request.</param>
    /// <param name="accountId">Whose it is.</param>
    /// <param name="inputs">What is embedded.</param>
    /// <param name="truncation">How inputs are cut.</param>
    /// <param name="isNormalized">Whether vectors are divided by their lengths.</param>
    /// <param name="dimensions">Leading values that are wanted, or null for all.</param>
    /// <param name="kind">What there is a vector for.</param>
    /// <exception cref="ApiErrorException">There is no such model, or it does not embed these inputs.</exception>
    internal async Task<IReadOnlyList<InputEmbedding>> EmbedAsync(
        HttpContext context,
        string accountId,
        IReadOnlyList<Prompt> inputs,
        InputTruncation truncation,
        bool isNormalized = true,
        int? dimensions = null,
        EmbeddingKind kind = EmbeddingKind.Input)
    {
        ModelDescription model = answers.FindModel(context, models.Of(context));
        var request = new EmbeddingRequest
        {
            RequestId = context.TraceIdentifier,
            ModelId = model.Id,
            AccountId = accountId,
            Inputs = inputs,
            Truncation = truncation,
            Normalize = isNormalized,
            Dimensions = dimensions,
            Kind = kind,
        };
        return (await vectors.EmbedAsync(context, request, error => HuggingFaceErrors.OfBackend(error, EmbedMapping.ParameterName))).Inputs;
    }

    /// <summary>How near each text is to the first one: the cosine of the angle between their vectors.</summary>
    internal async Task<float[]> CompareAsync(HttpContext context, string accountId, Prompt first, IReadOnlyList<Prompt> others, InputTruncation truncation)
    {
        IReadOnlyList<InputEmbedding> embedded = await EmbedAsync(context, accountId, [first, .. others], truncation);
        ReadOnlyMemory<float> source = embedded[0].Vector();

        // Rounding may lead a little beyond what a cosine can be.
        return [.. embedded.Skip(1).Select(other => (float)Math.Clamp(Dot(source.Span, other.Vector().Span), -1, 1))];
    }

    static double Dot(ReadOnlySpan<float> left, ReadOnlySpan<float> right)
    {
        double sum = 0;
        for (int i = 0; i < left.Length; i++)
            sum += (double)left[i] * right[i];
        return sum;
    }
}
