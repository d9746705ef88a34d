using System.Text.Json.Serialization;
using Formation.Inference.Gateway.HuggingFace.Errors;
using Formation.Inference.Gateway.HuggingFace.Service;
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
[JsonSerializable(typeof(GenerationInfo))]
[JsonSerializable(typeof(HuggingFaceErrorBody))]
internal sealed partial class HuggingFaceJsonContext : JsonSerializerContext
{
    /// <inheritdoc cref="DialectJson.ForRequests"/>
    internal static HuggingFaceJsonContext Requests { get; } = new(DialectJson.ForRequests());

    /// <inheritdoc cref="DialectJson.ForAnswers"/>
    internal static HuggingFaceJsonContext Answers { get; } = new(DialectJson.ForAnswers());
}
