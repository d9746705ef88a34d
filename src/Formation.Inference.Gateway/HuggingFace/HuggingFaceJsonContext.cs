using System.Text.Json.Serialization;
using Formation.Inference.Gateway.HuggingFace.Errors;
using Formation.Inference.Gateway.HuggingFace.InferenceApi;
using Formation.Inference.Gateway.HuggingFace.Service;
using Formation.Inference.Gateway.HuggingFace.TextEmbeddings;
using Formation.Inference.Gateway.HuggingFace.TextGeneration;
using Formation.Inference.Gateway.HuggingFace.Tokens;
using Formation.Inference.Gateway.Requests;

namespace Formation.Inference.Gateway.HuggingFace;

/// <summary>The JSON of Hugging Face's services.</summary>
[JsonSerializable(typeof(GenerateRequest))]
[JsonSerializable(typeof(GenerateResponse))]
[JsonSerializable(typeof(List<GenerateResponse>))]
[JsonSerializable(typeof(StreamResponse))]
[JsonSerializable(typeof(TokenizeRequest))]
[JsonSerializable(typeof(List<SimpleToken>))]
[JsonSerializable(typeof(ChatTokenizeResponse))]
[JsonSerializable(typeof(EmbedRequest))]
[JsonSerializable(typeof(SimilarityRequest))]
[JsonSerializable(typeof(RerankRequest))]
[JsonSerializable(typeof(DecodeRequest))]
[JsonSerializable(typeof(FeatureRequest))]
[JsonSerializable(typeof(TaskRequest))]
[JsonSerializable(typeof(ReadOnlyMemory<float>))]
[JsonSerializable(typeof(List<ReadOnlyMemory<float>>))]
[JsonSerializable(typeof(List<List<ReadOnlyMemory<float>>>))]
[JsonSerializable(typeof(float[]))]
[JsonSerializable(typeof(List<float>))]
[JsonSerializable(typeof(List<List<float>>))]
[JsonSerializable(typeof(List<List<List<float>>>))]
[JsonSerializable(typeof(List<Rank>))]
[JsonSerializable(typeof(List<List<SpecialToken>>))]
[JsonSerializable(typeof(List<string>))]
[JsonSerializable(typeof(GenerationInfo))]
[JsonSerializable(typeof(EmbeddingInfo))]
[JsonSerializable(typeof(HuggingFaceErrorBody))]
internal sealed partial class HuggingFaceJsonContext : JsonSerializerContext
{
    /// <inheritdoc cref="DialectJson.ForRequests"/>
    internal static HuggingFaceJsonContext Requests { get; } = new(DialectJson.ForRequests());

    /// <inheritdoc cref="DialectJson.ForAnswers"/>
    internal static HuggingFaceJsonContext Answers { get; } = new(DialectJson.ForAnswers());
}
