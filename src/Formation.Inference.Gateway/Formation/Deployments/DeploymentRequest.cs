using System.Text.Json;
using System.Text.Json.Serialization;

namespace Formation.Inference.Gateway.Formation.Deployments;

/// <summary>What is asked of a deployment.</summary>
internal sealed class DeploymentRequest
{
    /// <summary>Positions promised to each sequence; where not given the model's, at most 8192.</summary>
    public long? Context { get; init; }

    /// <summary>Sequences promised at once; 4 where not given.</summary>
    public long? Concurrency { get; init; }

    /// <summary>Stages of a replica; where not given the fastest number.</summary>
    public long? Stages { get; init; }

    /// <summary>
    /// Nodes of one site that compute all layers of a replica together, a share of each: a number, or <c>"auto"</c> for the fastest one; 1 where not
    /// given: none do.
    /// </summary>
    public JsonElement? TensorParallel { get; init; }

    /// <summary>
    /// Replicas: a number, or an object with <c>min</c> and <c>max</c> between which demand moves it; where not given the fastest number.
    /// </summary>
    public JsonElement? Replicas { get; init; }

    /// <summary>Seconds that nobody may ask anything before its workers are ended until the next request; 0, where not given, for ever.</summary>
    public long? IdleSeconds { get; init; }

    /// <summary>Nodes kept ready for a lost stage.</summary>
    public long? Spares { get; init; }

    /// <summary>Layers given to nodes by hand.</summary>
    public LayerPinObject[]? Pins { get; init; }

    /// <summary>Regions in which it may lie; all where not given.</summary>
    public string[]? Regions { get; init; }

    /// <summary>Labels that each node must have.</summary>
    public string[]? Labels { get; init; }

    /// <summary>Whether only nodes of trusted operators count.</summary>
    public bool? TrustedOnly { get; init; }

    /// <summary>How keys and values are stored: <c>f16</c> or <c>q8_0</c>.</summary>
    public string? KvFormat { get; init; }

    /// <summary>How activations cross links: <c>f32</c>, <c>bf16</c> or <c>q8</c>.</summary>
    public string? LinkPrecision { get; init; }

    [JsonExtensionData]
    public Dictionary<string, JsonElement>? Unknown { get; set; }
}

/// <summary>Layers given to a node.</summary>
internal sealed class LayerPinObject
{
    /// <summary>The node's name.</summary>
    public string? Node { get; init; }

    /// <summary>The first layer, from 0.</summary>
    public long? First { get; init; }

    /// <summary>The last layer.</summary>
    public long? Last { get; init; }

    [JsonExtensionData]
    public Dictionary<string, JsonElement>? Unknown { get; set; }
}
