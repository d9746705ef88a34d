using System.Text.Json;
using System.Text.Json.Serialization;
using Formation.Inference.Gateway.Formation.Requests;

namespace Formation.Inference.Gateway.OpenAI.Parameters;

/// <summary>The parameters that chat completions and completions have in common, as they come. Ranges are checked by the mapping.</summary>
internal abstract class GenerationFields
{
    /// <summary>Formation's own part: where the model must run, and what of that the answer tells.</summary>
    public FormationFields? Formation { get; init; }

    /// <summary>The id of the model, as listed by <c>GET /v1/models</c>.</summary>
    public string? Model { get; set; }

    /// <summary>Divides the logits: 0 to 2, 1 where it is not given; 0 takes the most probable token.</summary>
    public double? Temperature { get; set; }

    /// <summary>Keeps the smallest set of most probable tokens with this much probability: 0 to 1.</summary>
    public double? TopP { get; init; }

    /// <summary>How many choices to make for each prompt: 1 to 128.</summary>
    public long? N { get; init; }

    /// <summary>A string, or an array of strings.</summary>
    public JsonElement? Stop { get; init; }

    /// <summary>
    /// Tokens to generate for each choice at most. In chat the older name of <c>max_completion_tokens</c>; in completions 16 where it is
    /// not given.
    /// </summary>
    public long? MaxTokens { get; init; }

    /// <summary>Makes the draws repeatable. Any 64-bit integer.</summary>
    public long? Seed { get; init; }

    /// <summary>An object from token ids to biases.</summary>
    public JsonElement? LogitBias { get; init; }

    /// <summary>Subtracted from the logit of a token that stands in the completion: -2 to 2.</summary>
    public double? PresencePenalty { get; init; }

    /// <summary>Subtracted from a token's logit for each time it stands in the completion: -2 to 2.</summary>
    public double? FrequencyPenalty { get; init; }

    /// <summary>Whether to send events as they come.</summary>
    public bool? Stream { get; init; }

    public StreamOptionFields? StreamOptions { get; init; }

    /// <summary>Accepted, at most 512 characters, without effect.</summary>
    public string? User { get; init; }

    // What follows is not OpenAI's: sampling that other open servers have too, under the names that they use.

    /// <summary>Keeps the k most probable tokens; 0 or -1 keeps all.</summary>
    public long? TopK { get; init; }

    /// <summary>Keeps tokens at least this fraction as probable as the most probable one: 0 to 1.</summary>
    public double? MinP { get; init; }

    /// <summary>Locally typical sampling: keeps this much probability, more than 0, to 1.</summary>
    public double? TypicalP { get; init; }

    /// <summary>Makes tokens of prompt and completion less likely: more than 0, to 10; 1 is off.</summary>
    public double? RepetitionPenalty { get; init; }

    /// <summary>Up to 64 token ids that end a choice.</summary>
    public List<long>? StopTokenIds { get; init; }

    /// <summary>Tokens before which a choice does not end.</summary>
    public long? MinTokens { get; init; }

    /// <summary>Whether to go on past the model's own end of text.</summary>
    public bool? IgnoreEos { get; init; }

    /// <summary>What the text of each choice must be.</summary>
    public StructuredOutputsFields? StructuredOutputs { get; set; }

    [JsonExtensionData]
    public Dictionary<string, JsonElement>? Unknown { get; set; }
}

/// <summary>What the text of each choice must be: exactly one of these.</summary>
internal sealed class StructuredOutputsFields
{
    /// <summary>JSON that this schema allows.</summary>
    public JsonElement? Json { get; init; }

    /// <summary>Any JSON object.</summary>
    public bool? JsonObject { get; init; }

    /// <summary>A text that this regular expression (ECMA-262) matches from its beginning to its end.</summary>
    public string? Regex { get; init; }

    /// <summary>A text by this grammar (GBNF, with a rule named root).</summary>
    public string? Grammar { get; init; }

    /// <summary>One of up to 1024 texts.</summary>
    public List<string?>? Choice { get; init; }

    [JsonExtensionData]
    public Dictionary<string, JsonElement>? Unknown { get; set; }
}

/// <summary>Options of a streamed answer.</summary>
internal sealed class StreamOptionFields
{
    /// <summary>Whether a last chunk without choices reports the usage.</summary>
    public bool? IncludeUsage { get; init; }

    /// <summary>Only false: chunks are not padded.</summary>
    public bool? IncludeObfuscation { get; init; }

    [JsonExtensionData]
    public Dictionary<string, JsonElement>? Unknown { get; set; }
}
