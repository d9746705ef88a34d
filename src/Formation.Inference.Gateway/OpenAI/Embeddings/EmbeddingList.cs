using System.Text.Json.Serialization;

namespace Formation.Inference.Gateway.OpenAI.Embeddings;

/// <summary>The answer of <c>POST /v1/embeddings</c>.</summary>
/// <param name="Object">Always <c>list</c>.</param>
/// <param name="Data">One for each input, made while they are written: an answer may have 64 MiB of them.</param>
/// <param name="Model">The model.</param>
/// <param name="Usage">What the request used.</param>
internal sealed record EmbeddingList(string Object, IEnumerable<EmbeddingObject> Data, string Model, EmbeddingUsage Usage)
{
    internal static EmbeddingList From(EmbeddingAnswer answer, string modelId, bool isBase64) => new(
        "list",
        answer.Inputs.Select((input, index) => new EmbeddingObject("embedding", index, new EmbeddingValues(input.Vector(), isBase64))),
        modelId,
        new EmbeddingUsage(answer.TokenCount, answer.TokenCount));
}

/// <summary>One input's vector.</summary>
/// <param name="Object">Always <c>embedding</c>.</param>
/// <param name="Index">Which input, from 0.</param>
/// <param name="Embedding">Its values: numbers, or a text in base64.</param>
internal sealed record EmbeddingObject(string Object, int Index, EmbeddingValues Embedding);

/// <summary>What a request for embeddings used.</summary>
/// <param name="PromptTokens">Tokens of all inputs.</param>
/// <param name="TotalTokens">The same.</param>
internal sealed record EmbeddingUsage(int PromptTokens, int TotalTokens);

/// <summary>The values of a vector in the form that was asked for.</summary>
/// <param name="Vector">The values.</param>
/// <param name="IsBase64">Whether they are written as a text: base64 of their four bytes each, little-endian.</param>
[JsonConverter(typeof(EmbeddingValuesConverter))]
internal readonly record struct EmbeddingValues(ReadOnlyMemory<float> Vector, bool IsBase64);
