using Formation.Inference.Gateway.OpenAI.Completions;
using Formation.Inference.Gateway.OpenAI.Parameters;
using Formation.Inference.Gateway.Requests;
using static Formation.Inference.Gateway.Requests.ParameterChecks;

namespace Formation.Inference.Gateway.OpenAI.Embeddings;

/// <summary>Step 3 of the request path for embeddings: every parameter of the API honoured; others are passed over.</summary>
internal static class EmbeddingMapping
{
    const string Input = "input";

    internal static EmbeddingRequest ToEmbedding(CreateEmbeddingRequest body, string requestId, string accountId, IgnoredFields ignored)
    {
        ignored.Add(body.Unknown);
        string modelId = ModelId(body.Model);
        CommonMapping.UnusedIdentifier("user", body.User);
        IReadOnlyList<Prompt> inputs = CompletionPrompts.Of(body.Input, Input, EmbeddingRequest.MaxInputs);
        for (int i = 0; i < inputs.Count; i++)
            if (inputs[i] is TextPrompt { Text.Length: 0 })
                throw InvalidValue(inputs.Count == 1 ? Input : $"{Input}[{i}]", "an input is not empty.");
        return new EmbeddingRequest
        {
            RequestId = requestId,
            ModelId = modelId,
            AccountId = accountId,
            Inputs = inputs,
            Dimensions = (int?)Integer("dimensions", body.Dimensions, 1, int.MaxValue),
        };
    }

    /// <summary>Whether the vectors are sent as texts in base64.</summary>
    internal static bool IsBase64(CreateEmbeddingRequest body) => OneOf("encoding_format", body.EncodingFormat, "float", "base64") == "base64";

    /// <summary>The name of a part of the request that the engine can find fault with, or null where there is no parameter for it.</summary>
    internal static string? ParameterName(string part) => part switch
    {
        nameof(EmbeddingRequest.Inputs) => Input,
        nameof(EmbeddingRequest.ModelId) => "model",
        nameof(EmbeddingRequest.Dimensions) => "dimensions",
        _ => null,
    };
}
