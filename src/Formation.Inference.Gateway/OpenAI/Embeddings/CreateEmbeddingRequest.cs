using System.Text.Json;
using System.Text.Json.Serialization;

namespace Formation.Inference.Gateway.OpenAI.Embeddings;

/// <summary>The body of <c>POST /v1/embeddings</c>.</summary>
internal sealed class CreateEmbeddingRequest
{
    public string? Model { get; set; }

    /// <summary>A string, an array of strings, an array of token ids, or an array of such arrays.</summary>
    public JsonElement? Input { get; init; }

    /// <summary><c>float</c> or <c>base64</c>.</summary>
    public string? EncodingFormat { get; init; }

    /// <summary>Leading values of each vector that are wanted.</summary>
    public long? Dimensions { get; init; }

    /// <summary>Accepted without effect.</summary>
    public string? User { get; init; }

    [JsonExtensionData]
    public Dictionary<string, JsonElement>? Unknown { get; set; }
}
