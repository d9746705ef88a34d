using System.Text.Json;
using System.Text.Json.Serialization;

namespace Formation.Inference.Gateway.Formation.Requests;

/// <summary>Formation's own part of a request in any dialect. Where it is there, even empty, the answer has one, too.</summary>
internal sealed class FormationFields
{
    /// <summary>Where the model must run, as the operator called the place.</summary>
    public string? Region { get; init; }

    /// <summary>How far away it may run: milliseconds there and back, above 0.</summary>
    public double? MaxLatencyMs { get; init; }

    /// <summary>How many replicas of it have to be ready: 1 to 64.</summary>
    public long? MinRedundancy { get; init; }

    /// <summary>What nobody else may see: only <c>transport</c>.</summary>
    public string? Confidentiality { get; init; }

    // Refused by name.

    public JsonElement? MaxPrice { get; init; }

    public JsonElement? Adapter { get; init; }

    [JsonExtensionData]
    public Dictionary<string, JsonElement>? Unknown { get; set; }
}
