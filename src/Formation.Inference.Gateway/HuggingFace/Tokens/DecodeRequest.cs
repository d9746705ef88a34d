using System.Text.Json;
using System.Text.Json.Serialization;

namespace Formation.Inference.Gateway.HuggingFace.Tokens;

/// <summary>The body of <c>POST /decode</c>.</summary>
internal sealed class DecodeRequest
{
    /// <summary>Token ids, or an array of such arrays.</summary>
    public JsonElement? Ids { get; init; }

    /// <summary>Whether special tokens are left out, which they are where nothing is said.</summary>
    public bool? SkipSpecialTokens { get; init; }

    [JsonExtensionData]
    public Dictionary<string, JsonElement>? Unknown { get; set; }
}
