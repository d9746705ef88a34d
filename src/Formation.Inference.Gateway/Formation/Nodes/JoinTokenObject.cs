using System.Text.Json;
using System.Text.Json.Serialization;

namespace Formation.Inference.Gateway.Formation.Nodes;

/// <summary>What a join token is to be good for.</summary>
internal sealed class JoinTokenRequest
{
    /// <summary>Seconds until it is refused; 3600 where not given.</summary>
    public long? ExpiresIn { get; init; }

    /// <summary>The node's region; where not given, the one that it names itself.</summary>
    public string? Region { get; init; }

    /// <summary>Labels for placement.</summary>
    public Dictionary<string, string>? Labels { get; init; }

    /// <summary>Whether work may go to the node that only trusted nodes may do.</summary>
    public bool? Trusted { get; init; }

    [JsonExtensionData]
    public Dictionary<string, JsonElement>? Unknown { get; set; }
}

/// <summary>A new token.</summary>
/// <param name="Object">Always <c>join_token</c>.</param>
/// <param name="Token">The token, which admits one node. It can't be shown again.</param>
/// <param name="Gateway">The URL that the node dials.</param>
/// <param name="Expires">From when on it is refused.</param>
/// <param name="ReachableFromOutside">False where the gateway listens for nodes on its own machine only.</param>
internal sealed record JoinTokenObject(string Object, string Token, string Gateway, DateTimeOffset Expires, bool ReachableFromOutside);
