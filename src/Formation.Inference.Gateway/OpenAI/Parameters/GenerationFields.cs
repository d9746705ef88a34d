using System.Text.Json;
using System.Text.Json.Serialization;

namespace Formation.Inference.Gateway.OpenAI.Parameters;

/// <summary>The parameters that chat completions and completions have in common, as they come. Ranges are checked by the mapping.</summary>
internal abstract class GenerationFields
{
    /// <summary>The id of the model, as listed by <c>GET /v1/models</c>.</summary>
    public string? Model { get; init; }

    public double? Temperature { get; init; }

    public double? TopP { get; init; }

    public long? N { get; init; }

    /// <summary>A string, or an array of strings.</summary>
    public JsonElement? Stop { get; init; }

    public long? MaxTokens { get; init; }

    public long? Seed { get; init; }

    /// <summary>An object from token ids to biases.</summary>
    public JsonElement? LogitBias { get; init; }

    public double? PresencePenalty { get; init; }

    public double? FrequencyPenalty { get; init; }

    public bool? Stream { get; init; }

    public StreamOptionFields? StreamOptions { get; init; }

    public string? User { get; init; }

    // What follows is not OpenAI's: sampling that other open servers have too, under the names that they use.

    public long? TopK { get; init; }

    public double? MinP { get; init; }

    public double? TypicalP { get; init; }

    public double? RepetitionPenalty { get; init; }

    public List<long>? StopTokenIds { get; init; }

    public long? MinTokens { get; init; }

    public bool? IgnoreEos { get; init; }

    [JsonExtensionData]
    public Dictionary<string, JsonElement>? Unknown { get; set; }
}

/// <summary>Options of a streamed answer.</summary>
internal sealed class StreamOptionFields
{
    /// <summary>Whether a last chunk without choices reports the usage.</summary>
    public bool? IncludeUsage { get; init; }

    public bool? IncludeObfuscation { get; init; }

    [JsonExtensionData]
    public Dictionary<string, JsonElement>? Unknown { get; set; }
}
