using System.Text.Json;
using System.Text.Json.Serialization;

namespace Formation.Inference.Gateway.HuggingFace.TextGeneration;

/// <summary>The body of <c>POST /generate</c>, <c>/generate_stream</c> and <c>/</c>. Fields that nobody knows are passed over, as the service itself does.</summary>
internal sealed class GenerateRequest
{
    /// <summary>The text to continue.</summary>
    public string? Inputs { get; init; }

    /// <summary>How.</summary>
    public GenerateParameters? Parameters { get; init; }

    /// <summary>Whether <c>POST /</c> sends events as they come; the other two have no choice.</summary>
    public bool? Stream { get; init; }

    [JsonExtensionData]
    public Dictionary<string, JsonElement>? Unknown { get; set; }
}

/// <summary>How a text is to be continued. Ranges are checked by the mapping.</summary>
internal sealed class GenerateParameters
{
    /// <summary>Only null: there are no adapters.</summary>
    public string? AdapterId { get; init; }

    /// <summary>Texts to make, of which the one with the highest mean log-probability is the answer: 1 to 16. More than 1 only where draws are made.</summary>
    public long? BestOf { get; init; }

    /// <summary>Whether the details tell the prompt's tokens.</summary>
    public bool? DecoderInputDetails { get; init; }

    /// <summary>Whether the answer has details.</summary>
    public bool? Details { get; init; }

    /// <summary>Whether tokens are drawn; otherwise the most probable one is taken, unless a parameter below says how to draw.</summary>
    public bool? DoSample { get; init; }

    /// <summary>Subtracted from a token's logit for each time it stands in the answer: -2 to 2.</summary>
    public double? FrequencyPenalty { get; init; }

    /// <summary>What the answer must be: an object of a type (json, regex, json_schema) and a value.</summary>
    public JsonElement? Grammar { get; init; }

    /// <summary>Tokens to generate at most: 1 or more; as many as the model's context has room for where it is not given.</summary>
    public long? MaxNewTokens { get; init; }

    /// <summary>Makes tokens of prompt and answer less likely: more than 0, to 10; 1 is off.</summary>
    public double? RepetitionPenalty { get; init; }

    /// <summary>Whether the answer's text begins with the prompt.</summary>
    public bool? ReturnFullText { get; init; }

    /// <summary>Makes the draws repeatable.</summary>
    public ulong? Seed { get; init; }

    /// <summary>Up to 16 texts that end the answer. The one that did stands at its end.</summary>
    public List<string?>? Stop { get; init; }

    /// <summary>Divides the logits: more than 0, to 100.</summary>
    public double? Temperature { get; init; }

    /// <summary>Keeps the k most probable tokens: 1 or more.</summary>
    public long? TopK { get; init; }

    /// <summary>Most probable tokens to tell of in each place: 0 to 20.</summary>
    public long? TopNTokens { get; init; }

    /// <summary>Keeps the smallest set of most probable tokens with this much probability: more than 0, less than 1.</summary>
    public double? TopP { get; init; }

    /// <summary>Tokens of the prompt that are read: the last ones, 1 or more.</summary>
    public long? Truncate { get; init; }

    /// <summary>Locally typical sampling: keeps this much probability, more than 0, less than 1.</summary>
    public double? TypicalP { get; init; }

    /// <summary>Only false: texts are not marked.</summary>
    public bool? Watermark { get; init; }

    [JsonExtensionData]
    public Dictionary<string, JsonElement>? Unknown { get; set; }
}
