namespace Formation.Inference.Gateway.Formation.Nodes;

/// <summary>A gateway of the network.</summary>
/// <param name="Object">Always <c>gateway</c>.</param>
/// <param name="Pin">SHA-256 of its public key, in hexadecimal.</param>
/// <param name="Urls">Where nodes reach it, best first.</param>
/// <param name="LastSeen">When it last said that it lives.</param>
/// <param name="Answering">Whether it is the one that gives this answer.</param>
/// <param name="Deciding">Whether it decides about deployments.</param>
internal sealed record GatewayObject(string Object, string Pin, IReadOnlyList<string> Urls, DateTimeOffset LastSeen, bool Answering, bool Deciding)
{
    internal static GatewayObject From(GatewayDescription gateway) =>
        new("gateway", gateway.Pin, gateway.Urls, gateway.LastSeen, gateway.IsOwn, gateway.IsDeciding);
}

/// <summary>All gateways, ordered by their keys.</summary>
/// <param name="Object">Always <c>list</c>.</param>
/// <param name="Data">The gateways.</param>
internal sealed record GatewayList(string Object, IReadOnlyList<GatewayObject> Data);
