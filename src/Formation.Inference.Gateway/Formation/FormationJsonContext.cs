using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Serialization;
using Formation.Inference.Gateway.Formation.Nodes;
using Formation.Inference.Gateway.Requests;

namespace Formation.Inference.Gateway.Formation;

/// <summary>The JSON of this server's own routes.</summary>
[JsonSerializable(typeof(NodeObject))]
[JsonSerializable(typeof(NodeList))]
[JsonSerializable(typeof(NodeRemoved))]
[JsonSerializable(typeof(NodeEventList))]
[JsonSerializable(typeof(JoinTokenRequest))]
[JsonSerializable(typeof(JoinTokenObject))]
internal sealed partial class FormationJsonContext : JsonSerializerContext
{
    /// <summary>For reading requests: strict.</summary>
    internal static FormationJsonContext Requests { get; } = new(new JsonSerializerOptions
    {
        PropertyNamingPolicy = JsonNamingPolicy.SnakeCaseLower,
        AllowDuplicateProperties = false,
        MaxDepth = JsonBody.MaxDepth,
    });

    /// <summary>For writing answers: letters of all scripts as they are, which is safe where nothing is put into HTML.</summary>
    internal static FormationJsonContext Answers { get; } = new(new JsonSerializerOptions
    {
        PropertyNamingPolicy = JsonNamingPolicy.SnakeCaseLower,
        Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
    });
}
