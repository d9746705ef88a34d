using System.Text.Json;
using System.Text.Json.Serialization;
using Formation.Inference.Gateway.Anthropic.Conversations;
using Formation.Inference.Gateway.Formation.Requests;

namespace Formation.Inference.Gateway.Anthropic.Messages;

/// <summary>The body of <c>POST /v1/messages</c>.</summary>
internal sealed class MessagesRequest : ConversationFields
{
    /// <summary>Formation's own part: where the model must run, and what of that the answer tells.</summary>
    public FormationFields? Formation { get; init; }

    /// <summary>Tokens to generate at most: 1 or more.</summary>
    public long? MaxTokens { get; init; }

    /// <summary>Up to 16 texts that end the answer. They are not part of it.</summary>
    public List<string?>? StopSequences { get; init; }

    /// <summary>Whether to send events as they come.</summary>
    public bool? Stream { get; init; }

    /// <summary>Divides the logits: 0 to 1, 1 where it is not given; 0 takes the most probable token.</summary>
    public double? Temperature { get; init; }

    /// <summary>Keeps the smallest set of most probable tokens with this much probability: 0 to 1.</summary>
    public double? TopP { get; init; }

    /// <summary>Keeps the k most probable tokens; 0 keeps all.</summary>
    public long? TopK { get; init; }

    // Accepted and without effect.

    public MetadataFields? Metadata { get; init; }

    /// <summary>auto or standard_only: there is one tier.</summary>
    public string? ServiceTier { get; init; }

    // Refused by name.

    public JsonElement? Container { get; init; }

    public JsonElement? Diagnostics { get; init; }

    public JsonElement? InferenceGeo { get; init; }
}

/// <summary>What a client notes of a request.</summary>
internal sealed class MetadataFields
{
    /// <summary>Accepted, at most 512 characters, without effect.</summary>
    public string? UserId { get; init; }

    [JsonExtensionData]
    public Dictionary<string, JsonElement>? Unknown { get; set; }
}
