using System.Text.Json.Serialization;
using Formation.Inference.Gateway.Formation.Deployments;
using Formation.Inference.Gateway.Formation.Nodes;
using Formation.Inference.Gateway.Requests;

namespace Formation.Inference.Gateway.Formation;

/// <summary>The JSON of this server's own routes.</summary>
[JsonSerializable(typeof(NodeObject))]
[JsonSerializable(typeof(NodeList))]
[JsonSerializable(typeof(NodeRemoved))]
[JsonSerializable(typeof(NodeEventList))]
[JsonSerializable(typeof(GatewayList))]
[JsonSerializable(typeof(JoinTokenRequest))]
[JsonSerializable(typeof(JoinTokenObject))]
[JsonSerializable(typeof(DeploymentRequest))]
[JsonSerializable(typeof(DeploymentObject))]
[JsonSerializable(typeof(DeploymentList))]
[JsonSerializable(typeof(DeploymentRemoved))]
internal sealed partial class FormationJsonContext : JsonSerializerContext
{
    /// <inheritdoc cref="DialectJson.ForRequests"/>
    internal static FormationJsonContext Requests { get; } = new(DialectJson.ForRequests());

    /// <inheritdoc cref="DialectJson.ForAnswers"/>
    internal static FormationJsonContext Answers { get; } = new(DialectJson.ForAnswers());
}
