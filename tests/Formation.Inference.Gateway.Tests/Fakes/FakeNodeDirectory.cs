namespace Formation.Inference.Gateway.Tests.Fakes;

/// <summary>Two nodes: <c>alpha</c>, online and measured, and <c>beta</c>, not heard of yet.</summary>
internal sealed class FakeNodeDirectory : INodeDirectory
{
    readonly Dictionary<string, NodeDescription> _nodes = new()
    {
        ["alpha"] = new NodeDescription(
            "alpha", new string('a', 64), NodeState.Online, "connected from 10.0.0.2:4711", TestGateway.Now, "eu-west",
            new Dictionary<string, string> { ["disk"] = "fast" }, IsTrusted: true, IsDraining: false, TestGateway.Now, TestGateway.Now,
            new NodeSelfDescription(
                "0.1.0", [new NodeDevice("a processor", "avx2", 8, 4e10, 1e12)], 8L << 30, 6L << 30, ["10.0.0.2:8082"],
                [new NodeLink("beta", TimeSpan.FromMilliseconds(1.5), 1.25e8, IsRelayed: false)])),
        ["beta"] = new NodeDescription(
            "beta", new string('b', 64), NodeState.Away, "not heard of since this gateway started", TestGateway.Now, "",
            new Dictionary<string, string>(), IsTrusted: false, IsDraining: false, TestGateway.Now, null, null),
    };

    /// <summary>What was asked for, in order.</summary>
    public List<NodeInvitationTerms> Invited { get; } = [];

    public IReadOnlyList<NodeDescription> List() => [.. _nodes.Values.OrderBy(node => node.Name, StringComparer.Ordinal)];

    public NodeDescription? Find(string name) => _nodes.GetValueOrDefault(name);

    public IReadOnlyList<NodeEvent> Events(string? name, int limit) => [new NodeEvent(TestGateway.Now, "alpha", "online", "connected from 10.0.0.2:4711")];

    public NodeDescription? SetDraining(string name, bool isDraining) =>
        Find(name) is { } node ? _nodes[name] = node with { IsDraining = isDraining } : null;

    public bool Remove(string name) => _nodes.Remove(name);

    public IReadOnlyList<GatewayDescription> Gateways() =>
        [new GatewayDescription(new string('c', 64), ["https://10.0.0.1:8081"], TestGateway.Now, IsOwn: true, IsDeciding: false)];

    public NodeInvitation Invite(NodeInvitationTerms terms)
    {
        Invited.Add(terms);
        return new NodeInvitation("fs_join_secret", new Uri("https://10.0.0.1:8081"), TestGateway.Now + terms.Lifetime, IsReachableFromOutside: true);
    }
}
