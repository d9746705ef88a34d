using System.Text.Json;
using System.Text.Json.Serialization;

namespace Formation.Inference.Gateway.HuggingFace.TextEmbeddings;

/// <summary>How texts are read, wherever vectors are made of them.</summary>
internal class ReadingFields
{
    /// <summary>Only null: models here have no prompts by name.</summary>
    public string? PromptName { get; init; }

    /// <summary>Whether a text that is too long is cut; otherwise it is refused.</summary>
    public bool? Truncate { get; init; }

    /// <summary>Which side of it is left out: right (the end), or left.</summary>
    public string? TruncationDirection { get; init; }

    [JsonExtensionData]
    public Dictionary<string, JsonElement>? Unknown { get; set; }
}

/// <summary>The body of <c>POST /embed</c>, <c>/embed_all</c> and <c>/embed_sparse</c>.</summary>
internal class EmbedRequest : ReadingFields
{
    /// <summary>A text, token ids, or an array of these.</summary>
    public JsonElement? Inputs { get; init; }

    /// <summary>Leading values of each vector that are wanted: 1 or more. Only of <c>/embed</c>.</summary>
    public long? Dimensions { get; init; }

    /// <summary>Whether each vector is divided by its length, which it is where nothing is said. Only of <c>/embed</c>.</summary>
    public bool? Normalize { get; init; }
}

/// <summary>The body of <c>POST /similarity</c>, and of the task <c>sentence-similarity</c>.</summary>
internal sealed class SimilarityRequest
{
    public SimilarityInputs? Inputs { get; init; }

    public ReadingFields? Parameters { get; init; }

    [JsonExtensionData]
    public Dictionary<string, JsonElement>? Unknown { get; set; }
}

/// <summary>What is compared.</summary>
internal sealed class SimilarityInputs
{
    /// <summary>The text that the others are compared with.</summary>
    public string? SourceSentence { get; init; }

    /// <summary>The others.</summary>
    public List<string?>? Sentences { get; init; }

    [JsonExtensionData]
    public Dictionary<string, JsonElement>? Unknown { get; set; }
}

/// <summary>The body of <c>POST /rerank</c>.</summary>
internal sealed class RerankRequest : ReadingFields
{
    /// <summary>The text that the others are ranked by.</summary>
    public string? Query { get; init; }

    /// <summary>The others.</summary>
    public List<string?>? Texts { get; init; }

    /// <summary>Whether scores are the similarities themselves, -1 to 1, and not 0 to 1.</summary>
    public bool? RawScores { get; init; }

    /// <summary>Whether the answer repeats each text.</summary>
    public bool? ReturnText { get; init; }
}

/// <summary>A text's rank.</summary>
/// <param name="Index">Its place in the request.</param>
/// <param name="Text">The text, where it is asked for.</param>
/// <param name="Score">How near it is to the query.</param>
internal sealed record Rank(int Index, [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] string? Text, float Score);
